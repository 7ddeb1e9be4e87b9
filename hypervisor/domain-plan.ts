/** What a domain is made of, before it is XML. */
import type { CacheMode } from '../model/vms.ts';
import type { Machine } from './hypervisor.ts';
import type { Connection } from './networks.ts';

export interface DomainPlan extends Pick<
  Machine,
  | 'vmId'
  | 'instanceName'
  | 'zoneId'
  | 'accountId'
  | 'poolId'
  | 'cpus'
  | 'memory'
  | 'uefi'
  | 'bootFromIso'
  | 'details'
> {
  readonly hostId: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** The weight among guests, as cgroups have it; absent: that of every guest. */
  readonly cpuShares?: number;
  /** Microseconds of processor time that each processor of the guest gets in `CPU_PERIOD`; absent: no limit. */
  readonly cpuQuota?: number;
  readonly disk: DiskPlan;
  /** Path of the ISO in the drive; absent: an empty drive. */
  readonly iso?: string;
  readonly seed: string;
  readonly nics: readonly NicPlan[];
  /** Path of the log of the serial console. */
  readonly consoleLog: string;
  readonly firmwareVariables: string;
  readonly vncPassword: string;
}

export interface DiskPlan {
  readonly volumeId: string;
  readonly path: string;
  readonly cache: CacheMode;
  readonly backing?: { readonly path: string; readonly format: 'qcow2' | 'raw' };
}

export interface NicPlan {
  readonly mac: string;
  readonly connection: Connection;
  /** Megabits per second. */
  readonly rate?: number;
}

/** Microseconds. */
export const CPU_PERIOD = 100_000;

/** What a detail of a machine chooses: its value is text of a user, and never more than a key of these words. */
export const chosen = <T>(words: Readonly<Record<string, T>>, word: string | undefined, otherwise: T): T =>
  word !== undefined && Object.hasOwn(words, word.toLowerCase())
    ? (words[word.toLowerCase()] as T)
    : otherwise;
