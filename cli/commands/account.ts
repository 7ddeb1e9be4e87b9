/** `bypass account`: accounts, their keys and their limits. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Account } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { UsageError } from '../errors.ts';
import { timeCell } from '../cells.ts';
import { findUser, listAccounts, pick } from '../lookup.ts';
import type { Column } from '../output.ts';
import { readPassword } from '../password.ts';
import type { Cli } from '../context.ts';
import { settle } from '../waiting.ts';

const STATES = [
  ['disable', 'disableAccount', 'let none of the users of an account call or log in'],
  ['enable', 'enableAccount', 'let an account in again that was disabled or locked'],
  ['lock', 'lockAccount', 'lock an account out until it is enabled again'],
] as const;

export function accountCommands(program: Command, cli: Cli): void {
  const account = noun(program, 'account', 'accounts: who may call the API, and what each may have');

  verb<[], object>(account, cli, {
    usage: 'list',
    summary: 'list accounts',
    example: 'account list',
    run: async ({ api, out }) =>
      out.list({ columns: COLUMNS, rows: await listAccounts(api), none: 'There is no account' }),
  });

  verb<[name: string], { readonly admin?: true; readonly passwordFile?: string }>(account, cli, {
    usage: 'create <name>',
    summary: 'make an account with one user of that name, and keys for him',
    example: 'account create alice --password-file alice.txt',
    options: [
      new Option('--admin', 'an administrator'),
      new Option(
        '--password-file <file>',
        'holds the password; - for standard input; a random one when absent',
      ),
    ],
    run: async ({ api, out }, [name], { admin, passwordFile }) => {
      const { password, isRandom } = await readPassword(passwordFile);
      const made = await api.call<{ readonly account: Account }>('createAccount', {
        username: name,
        password,
        accounttype: admin === true ? 1 : 0,
      });
      const [user] = made.account.user ?? [];
      const { userkeys } = await api.call<KeysAnswer>('registerUserKeys', { id: user?.id });
      out.item(
        [
          { title: 'Account', value: name, tone: 'strong' },
          ...(isRandom ? [{ title: 'Password', value: password }] : []),
          { title: 'API key', value: userkeys.apikey },
          { title: 'Secret key', value: userkeys.secretkey },
        ],
        { ...made.account, ...userkeys, ...(isRandom ? { password } : {}) },
      );
      out.remark('The secret key and a random password are shown this once.');
    },
  });

  verb<[name: string], object>(account, cli, {
    usage: 'keys <user>',
    summary: 'give a user new keys; the old ones are no longer good',
    example: 'account keys alice',
    run: async ({ api, out }, [name]) => {
      const { id } = await findUser(api, name);
      const { userkeys } = await api.call<KeysAnswer>('registerUserKeys', { id });
      out.item(
        [
          { title: 'API key', value: userkeys.apikey },
          { title: 'Secret key', value: userkeys.secretkey },
        ],
        userkeys,
      );
    },
  });

  verb<[name: string], { readonly passwordFile?: string; readonly currentFile?: string }>(account, cli, {
    usage: 'password <user>',
    summary: 'change a password; the sessions of the user end',
    example: 'account password alice --password-file alice.txt',
    options: [
      new Option(
        '--password-file <file>',
        'holds the new password; - for standard input',
      ).makeOptionMandatory(),
      new Option('--current-file <file>', 'file with the present password; needed to change your own'),
    ],
    run: async ({ api, out }, [name], { passwordFile, currentFile }) => {
      const { id } = await findUser(api, name);
      const { password } = await readPassword(passwordFile);
      const currentpassword =
        currentFile === undefined ? undefined : (await readPassword(currentFile)).password;
      const answer = await api.call('updateUser', { id, password, currentpassword });
      out.done(`The password of ${name} is changed`, answer);
    },
  });

  verb<[name: string, most: string], object>(account, cli, {
    usage: 'limit <account> <most>',
    summary: 'say how many templates and ISOs an account may have; `none` for any number',
    example: 'account limit alice 20',
    run: async ({ api, out }, [name, most]) => {
      const answer = await api.call('updateResourceLimit', {
        account: name,
        resourcetype: 4,
        max: parseMost(most),
      });
      out.done(
        `Account ${name} may have ${most === 'none' ? 'any number of' : most} templates and ISOs`,
        answer,
      );
    },
  });

  for (const [word, command, summary] of STATES) {
    verb<[name: string], object>(account, cli, {
      usage: `${word} <account>`,
      summary,
      example: `account ${word} alice`,
      run: async (session, [text]) => {
        const { id, name } = pick('account', text, await listAccounts(session.api));
        const answer = await settle(session, await session.api.call(command, { id }));
        session.out.done(`Account ${name} is ${word}${word === 'lock' ? 'ed' : 'd'}`, answer);
      },
    });
  }

  verb<[name: string], YesOption>(account, cli, {
    usage: 'delete <account>',
    summary: 'remove an account without templates; its keys, password and sessions are no longer good',
    example: 'account delete alice',
    options: [yesOption()],
    run: async (session, [text], { yes }) => {
      const { api, out } = session;
      const { id, name } = pick('account', text, await listAccounts(api));
      await confirm(session, `Remove account ${name} with its users and keys?`, { yes });
      const answer = await api.call('deleteAccount', { id });
      out.done(`Account ${name} is removed`, answer);
    },
  });
}

interface KeysAnswer {
  readonly userkeys: { readonly apikey: string; readonly secretkey: string };
}

function parseMost(text: string): number {
  if (text === 'none') return -1;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`the limit is a number, or none, not '${text}'`);
}

const COLUMNS: readonly Column<Account>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 3 },
  { title: 'ROLE', value: ({ rolename }) => rolename },
  { title: 'TEMPLATES', value: ({ templatetotal }) => templatetotal, right: true },
  { title: 'LIMIT', value: ({ templatelimit }) => templatelimit, drop: 2 },
  { title: 'CREATED', value: ({ created }) => timeCell(created), drop: 1 },
];
