/**
 * Tells when jobs end. However many calls wait, the database is asked one question for all of them, a few times a second, and
 * none while nobody waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { endedJobs } from '../../db/jobs/listing.ts';
import type { Queryable } from '../../db/database.ts';

export interface JobEnds {
  /**
   * Settles when the job has ended, after so many milliseconds, or when the signal aborts: whatever comes first. Where very many
   * wait already, and when the database cannot be asked, at once.
   */
  wait(jobId: string, ms: number, signal: AbortSignal): Promise<void>;
  /** Ends all waits, now and later. */
  close(): void;
}

interface Waiting {
  readonly jobId: string;
  readonly end: () => void;
}

const ASK_EVERY_MS = 100;
const MOST_WAITING = 2000;

export function watchJobEnds(db: Queryable): JobEnds {
  const waiting = new Set<Waiting>();
  let asking = false;
  let closed = false;

  const wake = (isOver: (one: Waiting) => boolean): void => {
    for (const one of waiting) if (isOver(one)) one.end();
  };

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
    async wait(jobId, ms, signal) {
      if (closed || signal.aborted || waiting.size >= MOST_WAITING) return;
      await new Promise<void>((resolve) => {
        const end = (): void => {
          waiting.delete(one);
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const one: Waiting = { jobId, end };
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
