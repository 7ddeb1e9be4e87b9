/**
 * Shares answers between callers for a moment, so that many open pages with the same question cost one query.
 *
 * An answer is kept from the moment its query begins, so that calls during the query wait for the same one. It is shared
 * within one account only, and only with callers who accept its age. Three things end it: its age (`MAX_AGE_MS`, by a
 * timer, even if nobody calls again), the bounds in bytes for all answers and for one account (the oldest go first), and
 * a failure of its query. Its bytes count once the query is done.
 */
import type { Answer } from '../fields/response.ts';

export interface Question {
  /** Whose answer it is. */
  readonly account: string;
  /** Equal for equal questions. */
  readonly key: string;
  readonly maxAgeMs: number;
}

export interface SharedAnswers {
  /**
   * An answer that was begun at most `maxAgeMs` ago, or a new one. A failure reaches only those who already wait for it.
   * @param make runs the query
   */
  get(question: Question, make: () => Promise<Answer>): Promise<Answer>;
  /** Bytes of all kept answers. */
  bytes(): number;
}

interface SharedAnswer {
  readonly account: string;
  readonly begunAt: number;
  readonly answer: Promise<Answer>;
  bytes: number;
}

/** Milliseconds; callers cannot ask for an older answer. */
export const MAX_AGE_MS = 9000;
const MIB = 1_048_576;
const MAX_BYTES = { total: 64 * MIB, perAccount: 16 * MIB };
/** Bytes that an answer takes besides its text. */
const OVERHEAD_BYTES = 1024;

export function createSharedAnswers(
  now: () => number = () => performance.now(),
  maxBytes: typeof MAX_BYTES = MAX_BYTES,
): SharedAnswers {
  /** By key, the oldest first. */
  const answers = new Map<string, SharedAnswer>();
  const bytesByAccount = new Map<string, number>();
  let totalBytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const add = (account: string, bytes: number): void => {
    totalBytes += bytes;
    const sum = (bytesByAccount.get(account) ?? 0) + bytes;
    if (sum > 0) bytesByAccount.set(account, sum);
    else bytesByAccount.delete(account);
  };

  const forget = (key: string): void => {
    const known = answers.get(key);
    if (known === undefined) return;
    answers.delete(key);
    add(known.account, -known.bytes);
  };

  const forgetOld = (): void => {
    for (const [key, { begunAt }] of answers) {
      if (now() - begunAt <= MAX_AGE_MS) break;
      forget(key);
    }
  };

  const expire = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      forgetOld();
      if (answers.size > 0) expire();
    }, MAX_AGE_MS).unref();
  };

  const makeRoom = (account: string): void => {
    for (const [key, known] of answers) {
      const isFull = totalBytes > maxBytes.total;
      if (!isFull && (bytesByAccount.get(account) ?? 0) <= maxBytes.perAccount) return;
      if (isFull || known.account === account) forget(key);
    }
  };

  const measure = (key: string, fresh: SharedAnswer, answer: Answer): void => {
    if (answers.get(key) !== fresh) return;
    fresh.bytes = key.length + JSON.stringify(answer).length + OVERHEAD_BYTES;
    add(fresh.account, fresh.bytes);
    makeRoom(fresh.account);
  };

  return {
    get({ account, key, maxAgeMs }, make) {
      forgetOld();
      const known = answers.get(key);
      if (known !== undefined && now() - known.begunAt <= maxAgeMs) return known.answer;
      forget(key);
      const fresh: SharedAnswer = { account, begunAt: now(), answer: make(), bytes: 0 };
      answers.set(key, fresh);
      expire();
      fresh.answer.then(
        (answer) => measure(key, fresh, answer),
        () => answers.get(key) === fresh && forget(key),
      );
      return fresh.answer;
    },
    bytes: () => totalBytes,
  };
}
