/** How long a source may take for each step of an answer. No budget limits a transfer that makes progress. */

export interface BodyBudgets {
  /** Milliseconds that the body may stay silent. */
  readonly idleMs: number;
  /** Bytes per second that the body must reach on average over `minimumRateMs`; 0 for none. */
  readonly minimumRate: number;
  readonly minimumRateMs: number;
}

export interface Budgets extends BodyBudgets {
  /** Milliseconds until the name is resolved. */
  readonly dnsMs: number;
  /** Milliseconds until a connection is accepted, for each address of the name. */
  readonly connectMs: number;
  /** Milliseconds for the TLS handshake. */
  readonly tlsMs: number;
  /** Milliseconds from the request to the end of the answer's headers. */
  readonly headersMs: number;
  /** Milliseconds: the longest wait that a source can ask for by Retry-After. */
  readonly retryAfterMostMs: number;
}

export const BUDGETS: Budgets = {
  dnsMs: 10_000,
  connectMs: 10_000,
  tlsMs: 10_000,
  headersMs: 30_000,
  idleMs: 60_000,
  minimumRate: 1024,
  minimumRateMs: 30_000,
  retryAfterMostMs: 3_600_000,
};

/** For sentences: '10 s', '0.5 s', '2 ms'. */
export const duration = (ms: number): string =>
  ms < 100 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;

/**
 * Waits for the work, or fails with `late()` after `ms`. The work itself goes on: `late` may end it.
 */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
