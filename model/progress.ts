/** What a running download says of itself, as its heartbeat carries it. */

export type Phase =
  | 'waiting'
  | 'connecting'
  | 'reusing'
  /** A packed file is unpacked at the same time. */
  | 'downloading'
  /** All bytes are here, and some are still packed: `bytes` are those that were unpacked. */
  | 'inflating'
  | 'verifying'
  | 'publishing';

export interface Progress {
  readonly v: 1;
  readonly phase: Phase;
  /** Bytes of the file that are safely here. */
  readonly bytes: number;
  /** Bytes of the whole file; 0 while unknown. */
  readonly total: number;
  /** Bytes per second over the last seconds. */
  readonly rate: number;
  /** The URL that bytes come from, without credentials. */
  readonly source: string;
  /** In phase `waiting`: how many downloads go before this one. */
  readonly ahead?: number;
}

/** What a probe has found so far, as its heartbeat carries it: verdicts in the order in which they came. */
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
