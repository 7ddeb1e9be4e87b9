/**
 * The choice of a host and a storage pool for a virtual machine, among hosts and pools as the database has them. A host is
 * a candidate with each of its pools that fits. Of the candidates, the first is taken by: the host that has the machine's
 * domain already; a pool that has the image, or is getting it; the host with the least load; names.
 */
import type { NamedHost } from './failures.ts';
import type { PoolScope } from './states.ts';
import { LIBVIRT_WITH_VLAN_ON_BRIDGES } from './vms.ts';
import type { BootMode, HostNetworkKind, HypervisorReport, StorageType } from './vms.ts';

export interface PlaceHost {
  /** UUIDs. */
  readonly hostId: string;
  readonly clusterId: string;
  readonly name: string;
  readonly up: boolean;
  readonly enabled: boolean;
  readonly maintenance: boolean;
  readonly tags: readonly string[];
  readonly hypervisor: HypervisorReport | null;
  /** MHz and bytes of its machines. */
  readonly cpuTaken: number;
  readonly memoryTaken: number;
  /** UUIDs of the pools that it has mounted. */
  readonly pools: readonly string[];
}

export interface PlacePool {
  /** UUID. */
  readonly poolId: string;
  readonly name: string;
  readonly scope: PoolScope;
  /** In state Up. */
  readonly usable: boolean;
  /** Whether its zone has disks on pools of single hosts. */
  readonly localAllowed: boolean;
  readonly tags: readonly string[];
  /** Bytes, and those that copies and disks may come to take. */
  readonly capacity: number;
  readonly allocated: number;
  /**
   * Whether the images that the machine needs are there: all of them, or they are on their way; or one was found damaged, and
   * is kept since other machines use it.
   */
  readonly images: 'ready' | 'coming' | 'absent' | 'damaged';
}

export interface Wish {
  readonly cpus: number;
  /** MHz of each processor; 0: no demand. */
  readonly cpuSpeed: number;
  /** Bytes. */
  readonly memory: number;
  readonly networks: readonly { readonly name: string; readonly tagged: boolean }[];
  readonly hostTags: readonly string[];
  readonly storageTags: readonly string[];
  readonly storageType: StorageType;
  readonly uefi?: BootMode;
  /** Bytes that the disk is to have; 0 when it exists. */
  readonly size: number;
  /** The pool that has the disk. */
  readonly poolId?: string;
  /** Names of images that can be fetched no more, so that only a pool that has them will do. */
  readonly lostImages: readonly string[];
  readonly hostId?: string;
  readonly clusterId?: string;
  /** The host that has, or may have, the domain. */
  readonly homeId?: string;
  /** Hosts and pools that failed before. */
  readonly excludedHosts: readonly string[];
  readonly excludedPools: readonly string[];
}

/** How many times what there is may be promised. */
export interface Factors {
  readonly cpu: number;
  readonly memory: number;
  readonly storage: number;
}

/** Why a host cannot run the machine: the end of a sentence about the host. */
export interface Refusal {
  readonly host: NamedHost;
  readonly problem: string;
  /** The same without names of pools. */
  readonly publicProblem: string;
}

export type Choice =
  | { readonly host: PlaceHost; readonly pool: PlacePool }
  | {
      readonly host?: undefined;
      readonly refusals: readonly Refusal[];
      /** Only space on pools is missing, so that waiting may help. */
      readonly space: boolean;
    };

/** The reasons of so many hosts are named. */
const MAX_REASONS = 5;
const MIB = 1_048_576;

export function choosePlace(
  hosts: readonly PlaceHost[],
  pools: readonly PlacePool[],
  wish: Wish,
  factors: Factors,
): Choice {
  const refusals: Refusal[] = [];
  const candidates: Candidate[] = [];
  let space = false;
  for (const host of hosts.filter((one) => isWanted(one, wish))) {
    const problem = hostProblem(host, wish, factors);
    const mounted = pools.filter(({ poolId }) => host.pools.includes(poolId));
    const found = problem === undefined ? poolsFor(mounted, wish, factors) : refused(problem);
    candidates.push(...found.fit.map((pool) => candidate(host, pool, wish, factors)));
    const { problem: why, publicProblem } = found;
    if (found.fit.length === 0) {
      refusals.push({ host: { id: host.hostId, name: host.name }, problem: why, publicProblem });
    }
    space ||= found.space;
  }
  const [best] = candidates.toSorted(compare);
  return best ?? { refusals, space };
}

const isWanted = ({ hostId, clusterId }: PlaceHost, wish: Wish): boolean =>
  (wish.hostId === undefined || hostId === wish.hostId) &&
  (wish.clusterId === undefined || clusterId === wish.clusterId);

/** Why no host can: for administrators, with the names of hosts. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return NO_HOST;
  const named = refusals.slice(0, MAX_REASONS).map(({ host, problem }) => `host ${host.name} ${problem}`);
  const more = refusals.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more hosts cannot`] : [])].join('; ');
}

/** The same for every user, without names. */
export function describeRefusalsPublicly(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return NO_HOST;
  const counts = new Map<string, number>();
  for (const { publicProblem } of refusals) counts.set(publicProblem, (counts.get(publicProblem) ?? 0) + 1);
  return [...counts]
    .slice(0, MAX_REASONS)
    .map(([problem, count]) => (count === 1 ? `one host ${problem}` : `each of ${count} hosts ${problem}`))
    .join('; ');
}

const NO_HOST = 'the zone has no such host';

function hostProblem(host: PlaceHost, wish: Wish, factors: Factors): string | undefined {
  if (wish.excludedHosts.includes(host.hostId)) return 'has failed';
  if (host.maintenance) return 'is in maintenance';
  if (!host.enabled) return 'is not enabled';
  if (!host.up) return 'is Down';
  const { hypervisor } = host;
  if (hypervisor === null) return 'reports no hypervisor';
  if (hypervisor.problem !== undefined) return `cannot run virtual machines: ${hypervisor.problem}`;
  const tag = wish.hostTags.find((one) => !host.tags.includes(one));
  if (tag !== undefined) return `lacks the tag ${tag}`;
  return (
    networkProblem(hypervisor, wish) ??
    firmwareProblem(hypervisor, wish) ??
    capacityProblem(host, hypervisor, wish, factors)
  );
}

/** What would have to be otherwise for a VLAN tag. */
const NO_VLAN: Readonly<Record<HostNetworkKind, string>> = {
  user: "QEMU's own NAT has none",
  bridge: `its bridge must be one of Open vSwitch, or one of Linux with vlan_filtering and libvirt ${LIBVIRT_WITH_VLAN_ON_BRIDGES} or later`,
  libvirt: 'it must be a network of Open vSwitch',
};

function networkProblem({ networks }: HypervisorReport, wish: Wish): string | undefined {
  for (const { name, tagged } of wish.networks) {
    const offered = networks.find((network) => network.name === name);
    if (offered === undefined) return `does not offer network ${name}`;
    if (offered.problem !== undefined) return `cannot use network ${name}: ${offered.problem}`;
    if (tagged && !offered.vlan)
      return `cannot give guests a VLAN tag on network ${name}: ${NO_VLAN[offered.kind]}`;
  }
  return undefined;
}

const firmwareProblem = ({ firmware }: HypervisorReport, { uefi }: Wish): string | undefined =>
  uefi === undefined || firmware.includes(uefi)
    ? undefined
    : `has no firmware for UEFI (${uefi.toLowerCase()})`;

function capacityProblem(
  { cpuTaken, memoryTaken }: PlaceHost,
  { cpus, cpuSpeed, memory }: HypervisorReport,
  wish: Wish,
  factors: Factors,
): string | undefined {
  if (wish.cpus > cpus * factors.cpu) return `has ${cpus} processors, and ${wish.cpus} are needed`;
  const speed = cpus * cpuSpeed * factors.cpu;
  const speedWanted = wish.cpus * wish.cpuSpeed;
  // A host that does not know its speed is judged by the number of its processors alone.
  if (cpuSpeed > 0 && cpuTaken + speedWanted > speed) {
    return `has ${Math.max(0, Math.floor(speed - cpuTaken))} MHz left of ${Math.floor(speed)}, and ${speedWanted} are needed`;
  }
  const bytes = memory * factors.memory;
  if (memoryTaken + wish.memory > bytes) {
    return `has ${mebibytes(Math.max(0, bytes - memoryTaken))} of memory left of ${mebibytes(bytes)}, and ${mebibytes(wish.memory)} are needed`;
  }
  return undefined;
}

interface FittingPools {
  readonly fit: readonly PlacePool[];
  readonly problem: string;
  readonly publicProblem: string;
  readonly space: boolean;
}

const refused = (problem: string): FittingPools => ({
  fit: [],
  problem,
  publicProblem: problem,
  space: false,
});

const because = (reasons: readonly string[]): string => `has no pool for it: ${reasons.join(', ')}`;

function poolsFor(mounted: readonly PlacePool[], wish: Wish, { storage }: Factors): FittingPools {
  if (mounted.length === 0) return refused('has no pool mounted');
  const judged = mounted.map((pool) => {
    const unsuited = poolProblem(pool, wish);
    return { pool, unsuited, problem: unsuited ?? roomProblem(pool, wish, storage) };
  });
  return {
    fit: judged.flatMap(({ pool, problem }) => (problem === undefined ? [pool] : [])),
    problem: because(judged.map(({ pool, problem }) => `pool ${pool.name} ${problem}`)),
    publicProblem: because([...new Set(judged.map(({ problem }) => `one ${problem}`))]),
    space: judged.some(
      ({ pool, unsuited }) => unsuited === undefined && wish.size <= pool.capacity * storage,
    ),
  };
}

function poolProblem(pool: PlacePool, wish: Wish): string | undefined {
  if (wish.excludedPools.includes(pool.poolId)) return 'has failed';
  if (wish.poolId !== undefined) return pool.poolId === wish.poolId ? undefined : 'does not have its disk';
  if (!pool.usable) return 'is not Up';
  const isLocal = pool.scope === 'HOST';
  if (isLocal && !pool.localAllowed) return 'is local, and its zone uses no local storage';
  if (wish.storageType === 'local' && !isLocal) return 'is shared, and the offering wants local storage';
  if (wish.storageType === 'shared' && isLocal) return 'is local, and the offering wants shared storage';
  const tag = wish.storageTags.find((one) => !pool.tags.includes(one));
  if (tag !== undefined) return `lacks the tag ${tag}`;
  if (pool.images === 'damaged') return 'has a damaged copy of its image, which other machines use';
  const [lost] = wish.lostImages;
  return lost !== undefined && pool.images !== 'ready'
    ? `does not have ${lost}, which was deleted`
    : undefined;
}

function roomProblem({ capacity, allocated }: PlacePool, { size }: Wish, factor: number): string | undefined {
  const all = capacity * factor;
  if (size === 0 || allocated + size <= all) return undefined;
  const left = mebibytes(Math.max(0, all - allocated));
  return `has no room: ${mebibytes(size)} needed, ${left} of ${mebibytes(all)} not promised`;
}

interface Candidate {
  readonly host: PlaceHost;
  readonly pool: PlacePool;
  /** The lowest first. */
  readonly order: readonly number[];
}

const IMAGES = { ready: 0, coming: 1, absent: 2, damaged: 3 } as const;

const share = (taken: number, all: number): number => (all === 0 ? 0 : taken / all);

function candidate(host: PlaceHost, pool: PlacePool, wish: Wish, factors: Factors): Candidate {
  const { cpus = 0, cpuSpeed = 0, memory = 0 } = host.hypervisor ?? {};
  const load = Math.max(
    share(host.cpuTaken, cpus * cpuSpeed * factors.cpu),
    share(host.memoryTaken, memory * factors.memory),
  );
  const order = [
    host.hostId === wish.homeId ? 0 : 1,
    IMAGES[pool.images],
    load,
    share(pool.allocated, pool.capacity),
  ];
  return { host, pool, order };
}

function compare(a: Candidate, b: Candidate): number {
  for (const [at, value] of a.order.entries()) {
    const difference = value - (b.order[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.host.name.localeCompare(b.host.name) || a.pool.name.localeCompare(b.pool.name);
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
