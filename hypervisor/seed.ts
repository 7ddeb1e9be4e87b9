/** First boot data: a disc of cloud-init's data source NoCloud, labelled `cidata`. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { VmNic } from '../model/vm-payloads.ts';
import type { Machine } from './hypervisor.ts';
import { seedDisc } from './seed-disc.ts';

export type Seed = Pick<Machine, 'seed' | 'nics' | 'secrets'>;

/**
 * Writes a seed, in the place of an older one.
 * @param drafts folder on the same file system, that only root reads
 */
export async function writeSeed(path: string, drafts: string, seed: Seed): Promise<void> {
  const draft = join(drafts, `${randomUUID()}.iso`);
  await mkdir(drafts, { recursive: true, mode: 0o700 });
  try {
    await writeFile(draft, seedDisc('cidata', seedFiles(seed)), { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
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
