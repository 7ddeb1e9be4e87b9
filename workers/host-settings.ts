/** Parses the settings of a host worker: pools, networks, published files, inspection limits, budgets, invite. */
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { isAbsolute, normalize } from 'node:path';
import { ACCELERATORS } from '../hypervisor/accelerator.ts';
import type { NetworkSetting } from '../hypervisor/hypervisor.ts';
import type { ReporterOptions } from '../hypervisor/report.ts';
import type { InspectionLimits } from '../images/inspect/limits.ts';
import type { PoolConfig, PublishSettings } from '../images/pools/pool.ts';
import type { Budgets } from '../images/fetch/network/budgets.ts';
import { POOL_SCOPES, POOL_TYPES } from '../model/states.ts';
import { GIB, HOST_NETWORK_NAME } from '../model/vms.ts';
import { label, SettingError } from './settings.ts';
import type { SettingName, Settings } from './settings.ts';

const FORM = 'NAME=TYPE:SCOPE:PATH, such as fast=Filesystem:HOST:/srv/images';

/** @throws SettingError that says what would be right */
export function parsePools(text: string): readonly PoolConfig[] {
  const configs = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parsePool);
  if (configs.length === 0) throw wrong(`names no pool; a host needs at least one: ${FORM}`);
  for (const key of ['name', 'path'] as const) {
    const values = configs.map((config) => config[key]);
    const twice = values.find((value, at) => values.indexOf(value) !== at);
    if (twice !== undefined) throw wrong(`has the ${key} ${twice} twice`);
  }
  return configs;
}

function parsePool(entry: string): PoolConfig {
  const match = /^(?<name>[^=:]+)=(?<type>[^:]+):(?<scope>[^:]+):(?<path>.+?)(?<create>:create)?$/.exec(
    entry,
  );
  if (match?.groups === undefined) throw wrong(`has '${entry}', which is not of the form ${FORM}`);
  const { name = '', path = '', create } = match.groups;
  const type = oneOf(POOL_TYPES, match.groups['type'] ?? '', `the type of pool ${name}`);
  const scope = oneOf(POOL_SCOPES, match.groups['scope'] ?? '', `the scope of pool ${name}`);
  if (!isAbsolute(path)) throw wrong(`has '${path}' for pool ${name}; the path must begin with /`);
  if ((type === 'Filesystem') !== (scope === 'HOST')) {
    throw wrong(
      `has ${type} with scope ${scope} for pool ${name}: a Filesystem pool is one host's own (HOST), the others are shared (CLUSTER or ZONE)`,
    );
  }
  const root = normalize(path).replace(/(?<=.)\/+$/, '');
  return { name: name.trim(), type, scope, path: root, create: create !== undefined };
}

function oneOf<T extends string>(allowed: readonly T[], given: string, what: string): T {
  const found = allowed.find((value) => value.toLowerCase() === given.trim().toLowerCase());
  if (found === undefined) throw wrong(`has '${given}' as ${what}; it is one of ${allowed.join(', ')}`);
  return found;
}

const wrong = (sentence: string): SettingError => new SettingError(`${label('pools')} ${sentence}`);

const NETWORK_FORM = 'NAME=bridge:BRIDGE, NAME=libvirt:NETWORK or NAME=user, such as lan=bridge:br0';
/** Linux allows 15 bytes for the name of an interface. */
const INTERFACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;
const LIBVIRT_NETWORK = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** @throws SettingError that says what would be right */
export function parseNetworks(text: string): readonly NetworkSetting[] {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const networks = entries.map(parseNetwork);
  const names = networks.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new SettingError(`${label('networks')} has the name ${twice} twice`);
  return networks;
}

function parseNetwork(entry: string): NetworkSetting {
  const {
    name = '',
    kind,
    target = '',
  } = /^(?<name>[^=]+)=(?<kind>user|bridge|libvirt)(?::(?<target>.+))?$/.exec(entry)?.groups ?? {};
  const good = (pattern: RegExp): boolean => HOST_NETWORK_NAME.test(name) && pattern.test(target);
  if (kind === 'user' && good(/^$/)) return { name, kind };
  if (kind === 'bridge' && good(INTERFACE)) return { name, kind, target };
  if (kind === 'libvirt' && good(LIBVIRT_NETWORK)) return { name, kind, target };
  throw new SettingError(`${label('networks')} has '${entry}', which is not of the form ${NETWORK_FORM}`);
}

export interface HypervisorSettings extends Pick<ReporterOptions, 'accelerator' | 'networks'> {
  readonly uri: string;
}

/** @throws SettingError */
export function hypervisorSettings(settings: Settings): HypervisorSettings {
  const uri = settings.text('libvirtUri');
  if (!/^qemu(\+unix)?:\/\/\/(system|session)(\?\S+)?$/.test(uri)) {
    throw new SettingError(
      `${label('libvirtUri')} must name QEMU on this machine, such as qemu:///system, not '${uri}'`,
    );
  }
  const given = settings.text('vmAccelerator');
  const accelerator = ACCELERATORS.find((name) => name === given);
  if (accelerator === undefined) {
    throw new SettingError(
      `${label('vmAccelerator')} must be one of ${ACCELERATORS.join(', ')}, not '${given}'`,
    );
  }
  return { uri, accelerator, networks: parseNetworks(settings.text('networks')) };
}

/** @throws SettingError */
export function publishSettings(settings: Settings): PublishSettings {
  const [mode, owner] = [settings.text('fileMode'), settings.text('fileOwner')];
  if (!/^0?[0-7]{3}$/.test(mode)) {
    throw new SettingError(`${label('fileMode')} must be an octal mode such as 0644, not '${mode}'`);
  }
  if (owner === '') return { mode: Number.parseInt(mode, 8) };
  const ids = /^(\d{1,10}):(\d{1,10})$/.exec(owner);
  if (ids === null) {
    throw new SettingError(
      `${label('fileOwner')} must be UID:GID in numbers, such as 107:107, not '${owner}'`,
    );
  }
  return { mode: Number.parseInt(mode, 8), owner: { uid: Number(ids[1]), gid: Number(ids[2]) } };
}

/** @throws SettingError */
export const inspectionLimits = (settings: Settings): Required<InspectionLimits> => ({
  maxVirtualSize: settings.number('maxVirtualSize', 1) * GIB,
  allowSnapshots: yesOrNo(settings, 'allowSnapshots'),
  allowBitmaps: yesOrNo(settings, 'allowBitmaps'),
});

function yesOrNo(settings: Settings, name: SettingName): boolean {
  const text = settings.text(name);
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new SettingError(`${label(name)} must be yes or no, not '${text}'`);
}

/** @throws SettingError */
export function sourceBudgets(settings: Settings): Budgets {
  const ms = (name: SettingName, min = 1): number => settings.number(name, min) * 1000;
  return {
    dnsMs: ms('dnsTimeout'),
    connectMs: ms('connectTimeout'),
    tlsMs: ms('tlsTimeout'),
    headersMs: ms('headersTimeout'),
    idleMs: ms('idleTimeout'),
    minimumRate: settings.number('minimumRate'),
    minimumRateMs: ms('minimumRateTime'),
    retryAfterMostMs: ms('retryAfterMost', 0),
  };
}

/** The invite of the setting, or of the file named by `@path`; undefined when the setting is empty. */
export async function readInvite(text: string): Promise<string | undefined> {
  if (text === '') return undefined;
  return (text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text).trim();
}

export const hostNameOf = (settings: Settings): string => settings.text('hostName') || hostname();

/** The first address at which other machines may reach this host; IPv4 is preferred. */
export function hostAddress(): string {
  const addresses = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return (addresses.find(({ family }) => family === 'IPv4') ?? addresses[0])?.address ?? '127.0.0.1';
}
