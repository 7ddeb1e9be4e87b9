/** The progress of a running download or probe, as heartbeats carry it, and the intervals of these heartbeats. */
import type { Try } from './payloads.ts';

export const phases = [
  'waiting',
  'connecting',
  'reusing',
  /** A packed file is unpacked at the same time. */
  'downloading',
  /** All bytes are fetched, and some are still packed: `bytes` counts those that were unpacked. */
  'inflating',
  'verifying',
  'publishing',
] as const;

export type Phase = (typeof phases)[number];

export interface Progress {
  readonly v: 1;
  readonly phase: Phase;
  /** Bytes of the file that are safely on the pool. */
  readonly bytes: number;
  /** Bytes of the whole file; 0 while unknown. */
  readonly total: number;
  /** Bytes that this attempt has fetched from sources so far, repeated ones included. */
  readonly fetched?: number;
  /** Bytes per second over the last seconds. */
  readonly rate: number;
  /** The URL that bytes come from, without credentials. */
  readonly source: string;
  /** In phase `waiting`: number of downloads before this one. */
  readonly ahead?: number;
  readonly attempt?: RunningAttempt;
}

export interface RunningAttempt {
  readonly id: string;
  /** Identifies the start of the host worker that runs the attempt, which ends with the next start. */
  readonly incarnation: string;
  /** The latest tries that have ended, without evidence; the result has all of them in full. */
  readonly tries: readonly Try[];
}

/** Long, since a change of the queue is reported at once. */
const WAITING_HEARTBEAT_MS = 10_000;
const DOWNLOAD_HEARTBEAT_MS = 5000;
/** Short, since a person waits for the probe. */
export const PROBE_HEARTBEAT_MS = 1000;

/** Milliseconds between two heartbeats in this phase. */
export const heartbeatIntervalMs = (phase: Phase): number =>
  phase === 'waiting' ? WAITING_HEARTBEAT_MS : DOWNLOAD_HEARTBEAT_MS;

/** Characters, as JSON, of the tries in a heartbeat, which is sent again and again. */
const MAX_TRIES_LENGTH = 8192;

/** The latest tries, as many as fit into a heartbeat, without evidence. */
export function latestTriesThatFit(tries: readonly Try[]): readonly Try[] {
  const brief = tries.map(({ evidence: _evidence, ...rest }): Try => rest);
  let room = MAX_TRIES_LENGTH;
  const first = brief.findLastIndex((one) => (room -= JSON.stringify(one).length) < 0);
  return brief.slice(first + 1);
}

/** The verdicts of a probe so far, in the order in which they came. */
export interface ProbeProgress {
  readonly v: 1;
  readonly hostId: string;
  readonly verdicts: readonly ProbeVerdict[];
}

export interface ProbeVerdict {
  /** Without credentials. */
  readonly url: string;
  readonly reachable: boolean;
  /** Why not. */
  readonly reason?: string;
  /** Bytes; 0 when unknown. */
  readonly size: number;
}

/** 0 to 100, never 100 before the end. */
export function percent(bytes: number, total: number): number {
  if (total <= 0) return 0;
  return Math.min(99, Math.floor((bytes / total) * 100));
}
