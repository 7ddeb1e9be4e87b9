/** A zone's rules for sources, which a job carries to its host. Plain data. */
import type { UrlPolicy } from './url-policy.ts';

export interface SourceRules {
  /** Narrows the policy of the host. */
  readonly policy?: UrlPolicy | undefined;
  /** Replace the timeouts of the host. */
  readonly timeouts?: SourceTimeouts | undefined;
}

/** Milliseconds; absent ones are those of the host's own settings. */
export interface SourceTimeouts {
  /** Until a connection is accepted. */
  readonly connectMs?: number;
  /** From the request to the end of the answer's headers. */
  readonly headersMs?: number;
  /** Longest silence of a source in the middle of a file. */
  readonly idleMs?: number;
}

const TIMEOUT_NAMES: readonly (keyof SourceTimeouts)[] = ['connectMs', 'headersMs', 'idleMs'];
/** One hour, so that no job waits without a limit. */
export const MAX_TIMEOUT_MS = 3_600_000;

/** @returns the known timeouts, without other fields; undefined when one is out of range */
export function readTimeouts(value: unknown): SourceTimeouts | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const set = TIMEOUT_NAMES.filter((name) => fields[name] !== undefined);
  if (!set.every((name) => isTimeout(fields[name]))) return undefined;
  return Object.fromEntries(set.map((name) => [name, fields[name]]));
}

const isTimeout = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TIMEOUT_MS;
