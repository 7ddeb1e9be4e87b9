/**
 * How many bytes of each image the faults of a run require from the origin. Every zone has one origin fetch a template, and hosts
 * give it to each other, so that without faults the origin sends each file once. Beyond that:
 *
 *   a copy that was removed by wish                     the file, since it may be wanted again
 *   a host that was killed, suspended, cut off, filled  what its downloads had since their last checkpoint (at most 64 MiB), and
 *   or got another time; Temporal was killed            what was in their connections; downloads from that host turn to the origin
 *   an origin that was gone, slow or wrong              what was in the connections; after other bytes all of the file, since
 *                                                       nothing that came can be believed
 *   PostgreSQL, control worker or api were killed       nothing: downloads go on
 */
import type { Happened } from './carrying-out.ts';
import type { FaultKind } from './schedule.ts';

const MIB = 1_048_576;
/** A killed host fetches at most so much again (docs/guarantees.md). */
const CHECKPOINT = 64 * MIB;
/** Of a connection, the kernels on both sides hold some MiB; a download has two connections. */
const IN_FLIGHT = 8 * MIB;
/** Milliseconds: downloads are seen once in a while, and consequences show later. */
const [BEFORE, AFTER] = [3000, 10_000];

/** A download that was seen under way. */
export interface Seen {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly copyId: string;
  readonly template: string;
  /** Index of the host that fetches. */
  readonly host: number;
  /** Index of the host that gives; undefined: the origin does. */
  readonly parent: number | undefined;
  /** What lies on the pool of it. */
  readonly bytes: number;
}

export interface Image {
  readonly name: string;
  readonly bytes: number;
  readonly removals: number;
}

type Cost = (seen: Seen, fault: Happened, image: Image) => number;

const lost: Cost = ({ bytes }) => Math.min(bytes, CHECKPOINT) + IN_FLIGHT;
const ofHost: Cost = (seen, { host }, { bytes }) =>
  seen.parent === host ? bytes : seen.host === host ? lost(seen, { host } as Happened, {} as Image) : 0;
const ofOrigin: Cost = ({ parent }) => (parent === undefined ? IN_FLIGHT : 0);
const nothing: Cost = () => 0;

const COSTS: Readonly<Record<FaultKind, Cost>> = {
  'host killed': ofHost,
  'host suspended': ofHost,
  'host cut off from sources': ofHost,
  'host cut off from Temporal': ofHost,
  'host cut off': ofHost,
  'clock shifted': ofHost,
  'disk full': ofHost,
  'origin slow': ofOrigin,
  'origin gone': ofOrigin,
  'origin wrong': (_seen, _fault, { bytes }) => bytes,
  'Temporal killed': lost,
  'PostgreSQL killed': nothing,
  'control worker killed': nothing,
  'api killed': nothing,
};

/** @returns bytes by the name of the image */
export function requiredBytes(
  images: readonly Image[],
  faults: readonly Happened[],
  downloads: readonly Seen[],
): ReadonlyMap<string, number> {
  return new Map(
    images.map((image) => {
      const own = downloads.filter(({ template }) => template === image.name);
      const costs = faults.map((fault) => costOf(fault, own, image));
      return [image.name, image.bytes * (1 + image.removals) + sum(costs)];
    }),
  );
}

/** What one fault costs: each copy that it found under way, once. */
function costOf(fault: Happened, downloads: readonly Seen[], image: Image): number {
  const dearest = new Map<string, number>();
  for (const seen of downloads) {
    if (seen.at < fault.from - BEFORE || seen.at > fault.to + AFTER) continue;
    const cost = Math.min(COSTS[fault.kind](seen, fault, image), image.bytes);
    dearest.set(seen.copyId, Math.max(cost, dearest.get(seen.copyId) ?? 0));
  }
  return sum([...dearest.values()]);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
