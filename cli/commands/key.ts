/** `bypass key`: SSH key pairs: list, register, create, delete. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { SshKeyPair, NewSshKeyPair } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import type { Cli } from '../context.ts';
import { ApiError, CliError, UsageError } from '../errors.ts';
import { listKeys } from '../vms/lookup.ts';
import { pick } from '../lookup.ts';
import type { Column } from '../output.ts';
import { clean } from '../text.ts';

interface Answer {
  readonly keypair: SshKeyPair;
}

interface NewKeyAnswer {
  readonly keypair: NewSshKeyPair & { readonly privatekey: string };
}

export function keyCommands(program: Command, cli: Cli): void {
  const key = noun(program, 'key', 'SSH keys that may log in to machines');

  verb<[], object>(key, cli, {
    usage: 'list',
    summary: 'list SSH key pairs',
    example: 'key list',
    run: async ({ api, out }) => {
      const none = 'There is no SSH key yet. Register yours: bypass key register ~/.ssh/id_ed25519.pub';
      out.list({ columns: COLUMNS, rows: await listKeys(api), none });
    },
  });

  verb<[file: string], { readonly name?: string }>(key, cli, {
    usage: 'register <file>',
    summary: 'register a public key',
    example: 'key register ~/.ssh/id_ed25519.pub --name me',
    options: [new Option('--name <name>', 'its name; default: that of the file')],
    run: async ({ api, out }, [file], { name = basename(file).replace(/\.pub$/, '') }) => {
      const publickey = await readPublicKey(file);
      const { keypair } = await api.call<Answer>('registerSSHKeyPair', { name, publickey });
      out.done(`Registered SSH key ${keypair.name} (${keypair.fingerprint})`, keypair);
      out.remark(`Deploy a machine with it: bypass vm deploy NAME --template TEMPLATE --key ${keypair.name}`);
    },
  });

  verb<[name: string], { readonly file?: string }>(key, cli, {
    usage: 'create <name>',
    summary: 'make a key pair; the private key is answered this once, and kept nowhere',
    example: 'key create web --file web.pem',
    options: [new Option('--file <file>', 'write the private key into this new file, readable by you alone')],
    run: (session, [name], { file }) => create(session, name, file),
  });

  verb<[key: string], YesOption>(key, cli, {
    usage: 'delete <key>',
    summary: 'remove a key pair; machines that have it keep it',
    example: 'key delete web --yes',
    options: [yesOption()],
    run: async (session, [text], options) => {
      const { name } = pick('SSH key', text, await listKeys(session.api));
      await confirm(session, `Remove SSH key ${name}?`, options);
      const answer = await session.api.call('deleteSSHKeyPair', { name });
      session.out.done(`Removed SSH key ${name}`, answer);
    },
  });
}

/** @throws UsageError for a file that cannot be read, or that holds a private key, which must not be sent */
async function readPublicKey(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`the key in ${file} cannot be read (${error.code ?? error.message})`);
  });
  if (/PRIVATE KEY/.test(text)) {
    throw new UsageError(`${file} holds a private key, which was not sent: give the public one, ${file}.pub`);
  }
  return text.trim();
}

async function create({ api, out }: Session, name: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    const { keypair } = await api.call<NewKeyAnswer>('createSSHKeyPair', { name });
    if (out.format === 'table') out.lines(keypair.privatekey.trim().split('\n').map(clean));
    else out.done(keypair.privatekey, keypair);
    out.remark('The private key is shown this once: keep it now.');
    return;
  }
  // The file is made first: the api answers a private key only once, so one that cannot be written would be lost.
  await writePrivate(file, '', 'wx');
  try {
    const { keypair } = await api.call<NewKeyAnswer>('createSSHKeyPair', { name });
    const { privatekey, ...shown } = keypair;
    await writePrivate(file, privatekey, 'w');
    out.done(`Made SSH key ${keypair.name} (${keypair.fingerprint}); its private key is in ${file}`, shown);
  } catch (error) {
    if (error instanceof ApiError) await rm(file);
    throw error;
  }
}

async function writePrivate(file: string, text: string, flag: 'w' | 'wx'): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag }).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`the private key cannot be written into ${file} (${error.code ?? error.message})`);
  });
}

const COLUMNS: readonly Column<SshKeyPair>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'FINGERPRINT', value: ({ fingerprint }) => fingerprint },
  { title: 'ACCOUNT', value: ({ account }) => account, drop: 1 },
];
