/**
 * First boot data: a disc of cloud-init's data source NoCloud, labelled `cidata`. xorriso makes it of files in a folder that
 * only root reads; no text of a user is an argument.
 */
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { ImageError } from '../model/failures.ts';
import type { VmNic } from '../model/vm-payloads.ts';
import type { Machine } from './hypervisor.ts';
import { runProgram, sentenceOf } from './program.ts';

export type Seed = Pick<Machine, 'seed' | 'nics' | 'secrets'>;

const TIMEOUT_MS = 60_000;

/**
 * Writes a seed, in the place of an older one.
 * @param drafts folder on the same file system, that only root reads
 * @throws ImageError ProgramMissing
 */
export async function writeSeed(
  path: string,
  drafts: string,
  seed: Seed,
  signal: AbortSignal,
): Promise<void> {
  const folder = join(drafts, randomUUID());
  const content = join(folder, 'content');
  const draft = join(folder, 'seed.iso');
  try {
    await mkdir(content, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(seedFiles(seed))) {
      await writeFile(join(content, name), text, { mode: 0o600 });
    }
    await makeDisc(content, draft, signal);
    await chmod(draft, 0o600);
    await rename(draft, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeDisc(content: string, path: string, signal: AbortSignal): Promise<void> {
  const args = ['-as', 'mkisofs', '-quiet', '-o', path, '-V', 'cidata', '-J', '-r', content];
  const end = await runProgram('xorriso', ['-no_rc', ...args], { signal, timeoutMs: TIMEOUT_MS });
  if (end.how === 'absent')
    throw new ImageError(
      'ProgramMissing',
      'the program xorriso, which makes first boot data, is not installed',
    );
  if (end.how === 'late' || end.code !== 0) {
    const said = end.how === 'late' ? 'it did not end' : sentenceOf(end.errors);
    throw new ImageError('HostFault', `xorriso cannot make the first boot data (${said})`);
  }
}

/**
 * Name → content. cloud-init reads YAML, of which JSON is a part. Values of variables of the user data are metadata, as in
 * CloudStack: user data that begin with `## template: jinja` have them as `{{ ds.meta_data.NAME }}`.
 */
export function seedFiles({ seed, nics, secrets }: Seed): Readonly<Record<string, string | Buffer>> {
  const network = networkConfig(nics);
  return {
    'meta-data': json({
      ...secrets?.userDataDetails,
      'instance-id': seed.instanceId,
      'local-hostname': seed.hostName,
      ...(seed.publicKeys.length === 0 ? {} : { 'public-keys': seed.publicKeys }),
    }),
    // Both alphabets of base64 are read.
    'user-data': Buffer.from(secrets?.userData ?? '', 'base64'),
    ...(network === undefined ? {} : { 'network-config': json(network) }),
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Version 2, where a network card has an address that the user gave; without one, cloud-init asks by DHCP itself. */
function networkConfig(nics: readonly VmNic[]): object | undefined {
  if (nics.every((nic) => addressesOf(nic).length === 0)) return undefined;
  const ethernets = nics.map((nic, index) => [`nic${index}`, ethernet(nic)] as const);
  return { version: 2, ethernets: Object.fromEntries(ethernets) };
}

function ethernet(nic: VmNic): object {
  const match = { macaddress: nic.mac };
  const addresses = addressesOf(nic);
  if (addresses.length === 0) return { match, dhcp4: true };
  const isStatic4 = addresses.some((address) => !address.includes(':'));
  const gateway = isStatic4 && nic.gateway !== undefined ? { gateway4: nic.gateway } : {};
  return { match, ...(isStatic4 ? {} : { dhcp4: true }), addresses, ...gateway };
}

/** With the length of their prefixes: an IPv4 address without a netmask is left to DHCP. */
function addressesOf({ address, netmask, address6 }: VmNic): readonly string[] {
  const length = netmask === undefined ? undefined : prefixLength(netmask);
  return [
    ...(address === undefined || length === undefined ? [] : [`${address}/${length}`]),
    ...(address6 === undefined ? [] : [address6.includes('/') ? address6 : `${address6}/64`]),
  ];
}

/** 255.255.255.0 → 24 */
function prefixLength(netmask: string): number | undefined {
  const bits = netmask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.lastIndexOf('1') + 1 : undefined;
}
