/**
 * Tells when jobs end. However many calls wait, the database is asked one question for all of them, a few times a second, and
 * none while nobody waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { endedJobs } from '../../db/jobs/listing.ts';
import type { Queryable } from '../../db/database.ts';

export interface JobWait {
  readonly jobId: string;
  /** Of the caller. */
  readonly accountId: number;
  readonly ms: number;
}

export interface JobEnds {
  /**
   * Settles when the job has ended, after so many milliseconds, or when the signal aborts: whatever comes first. Where very many
   * wait already, in all or of one account, and when the database cannot be asked, at once.
   */
  wait(job: JobWait, signal: AbortSignal): Promise<void>;
  /** Ends all waits, now and later. */
  close(): void;
}

interface Waiting extends Pick<JobWait, 'jobId' | 'accountId'> {
  readonly end: () => void;
}

const ASK_EVERY_MS = 100;
const MAX_WAITING = 2000;
/** Calls of one account that wait at most, so that no account takes the places of all others. */
const MAX_OF_ACCOUNT = MAX_WAITING / 8;

export function watchJobEnds(db: Queryable): JobEnds {
  const waiting = new Set<Waiting>();
  let asking = false;
  let closed = false;

  const wake = (isOver: (one: Waiting) => boolean): void => {
    for (const one of waiting) if (isOver(one)) one.end();
  };

  const isFull = (accountId: number): boolean =>
    waiting.size >= MAX_WAITING ||
    [...waiting].filter((one) => one.accountId === accountId).length >= MAX_OF_ACCOUNT;

  async function ask(): Promise<void> {
    asking = true;
    try {
      while (waiting.size > 0) {
        await sleep(ASK_EVERY_MS);
        const ended = new Set(await endedJobs(db, [...new Set([...waiting].map(({ jobId }) => jobId))]));
        wake(({ jobId }) => ended.has(jobId));
      }
    } catch {
      // Each caller asks by itself, and learns why.
      wake(() => true);
    } finally {
      asking = false;
    }
  }

  return {
    async wait({ jobId, accountId, ms }, signal) {
      if (closed || signal.aborted || isFull(accountId)) return;
      await new Promise<void>((resolve) => {
        const end = (): void => {
          waiting.delete(one);
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const one: Waiting = { jobId, accountId, end };
        const timer = setTimeout(end, ms);
        signal.addEventListener('abort', end, { once: true });
        waiting.add(one);
        if (!asking) void ask();
      });
    },
    close() {
      closed = true;
      wake(() => true);
    },
  };
}
