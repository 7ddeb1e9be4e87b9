/**
 * Limits calls per caller to a number in a window of time, for all apis together: they count in the database.
 *
 * So that not each call asks the database, an api counts a share of calls in advance, a twentieth of what is allowed, and
 * gives these out until the share or the window is over. What is given out by all apis never exceeds what is allowed; an
 * api may refuse a little earlier while another one has not used its share. A limit below 20 is counted call by call.
 */
import {
  countCalls,
  giveBackCall,
  readCallCount,
  type CallCount,
  type CallKind,
} from '../../db/accounts/call-counts.ts';
import type { Queryable } from '../../db/database.ts';

export interface CallLimit {
  /** Calls allowed in a window; 0 for no limit. */
  readonly allowed: number;
  /** Counts one call. @returns milliseconds until the next window when this call exceeds the limit, else 0 */
  take(caller: string): Promise<number>;
  /** Takes back one counted call. */
  giveBack(caller: string): Promise<void>;
  state(caller: string): Promise<CallCount>;
}

export interface CallLimitOptions {
  readonly db: Queryable;
  readonly kind: CallKind;
  readonly allowed: number;
  readonly windowMs: number;
}

/** What this api may still give out of a window. */
interface Share {
  left: number;
  /** Whether the window has nothing left for any api. */
  readonly isLast: boolean;
  readonly endsAt: number;
}

const SHARES = 20;
/** Shares kept at a time. Above it, those of windows that have ended are dropped; if none has, the oldest is. */
const MAX_ENTRIES = 10_000;

export function createCallLimit({ db, kind, allowed, windowMs }: CallLimitOptions): CallLimit {
  const size = Math.max(1, Math.floor(allowed / SHARES));
  const shares = new Map<string, Share>();
  const asked = new Map<string, Promise<Share>>();

  const known = (caller: string): Share | undefined => {
    const share = shares.get(caller);
    return share !== undefined && share.endsAt > performance.now() ? share : undefined;
  };
  const ask = async (caller: string): Promise<Share> => {
    const { issued, expireAfter } = await countCalls(db, { kind, caller }, size, windowMs);
    const left = Math.max(0, Math.min(size, allowed - (issued - size)));
    const share = { left, isLast: issued >= allowed, endsAt: performance.now() + expireAfter };
    if (shares.size >= MAX_ENTRIES) forgetEnded(shares);
    shares.set(caller, share);
    return share;
  };
  /** Calls of one caller that come at the same time wait for the same share. */
  const next = (caller: string): Promise<Share> => {
    const waiting = asked.get(caller);
    if (waiting !== undefined) return waiting;
    const asking = ask(caller).finally(() => asked.delete(caller));
    asked.set(caller, asking);
    return asking;
  };

  return {
    allowed,
    async take(caller) {
      if (allowed === 0) return 0;
      for (;;) {
        const share = known(caller) ?? (await next(caller));
        if (share.left > 0) {
          share.left -= 1;
          return 0;
        }
        if (share.isLast) return Math.max(1, Math.ceil(share.endsAt - performance.now()));
        if (shares.get(caller) === share) shares.delete(caller);
      }
    },
    async giveBack(caller) {
      shares.delete(caller);
      await giveBackCall(db, { kind, caller });
    },
    async state(caller) {
      const counted = await readCallCount(db, { kind, caller });
      if (counted === undefined) return { issued: 0, expireAfter: windowMs };
      const unused = known(caller)?.left ?? 0;
      return { ...counted, issued: Math.min(allowed, counted.issued - unused) };
    },
  };
}

function forgetEnded(shares: Map<string, Share>): void {
  const now = performance.now();
  for (const [caller, { endsAt }] of shares) if (endsAt <= now) shares.delete(caller);
  const [oldest] = shares.keys();
  if (shares.size >= MAX_ENTRIES && oldest !== undefined) shares.delete(oldest);
}
