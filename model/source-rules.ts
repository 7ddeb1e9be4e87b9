/** What a zone says of the ways to a source; a job carries it to the host that does it. Plain data. */
import type { UrlPolicy } from './url-policy.ts';

export interface SourceRules {
  /** It narrows that of the host. */
  readonly policy?: UrlPolicy | undefined;
  /** They stand in the place of the host's own. */
  readonly timeouts?: SourceTimeouts | undefined;
}

/** Milliseconds; what is absent is as the host's own settings say. */
export interface SourceTimeouts {
  /** Until a connection is accepted. */
  readonly connectMs?: number;
  /** From the request to the end of the answer's headers. */
  readonly headersMs?: number;
  /** That a source may send nothing in the middle of a file. */
  readonly idleMs?: number;
}

const NAMES: readonly (keyof SourceTimeouts)[] = ['connectMs', 'headersMs', 'idleMs'];
/** Beyond an hour nobody waits; a job is never without a limit. */
export const MOST_TIMEOUT_MS = 3_600_000;

/** @returns those that a job may set, and nothing else of what came with them; undefined when one is not right */
export function readTimeouts(given: unknown): SourceTimeouts | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const fields = given as Readonly<Record<string, unknown>>;
  const set = NAMES.filter((name) => fields[name] !== undefined);
  if (!set.every((name) => isTimeout(fields[name]))) return undefined;
  return Object.fromEntries(set.map((name) => [name, fields[name]]));
}

const isTimeout = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MOST_TIMEOUT_MS;
