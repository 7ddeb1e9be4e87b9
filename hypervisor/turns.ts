/** Jobs of one machine run one after the other; jobs of different machines run at the same time. */
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';

export interface Turns {
  /**
   * Runs a job of a machine when those before it have ended.
   * @param work its signal is aborted with `signal`, and when `takeOver` ends the job
   */
  take<T>(
    vmId: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Ends all jobs of the machine first, those that wait and the one that runs. */
  takeOver<T>(vmId: string, reason: Error, work: () => Promise<T>): Promise<T>;
}

interface Queue {
  readonly limit: LimitFunction;
  readonly jobs: Set<AbortController>;
}

export function createTurns(): Turns {
  const queues = new Map<string, Queue>();
  const enqueue = async <T>(vmId: string, work: (queue: Queue) => Promise<T>): Promise<T> => {
    const queue = queues.get(vmId) ?? { limit: pLimit(1), jobs: new Set() };
    queues.set(vmId, queue);
    try {
      return await work(queue);
    } finally {
      if (queue.limit.activeCount + queue.limit.pendingCount === 0 && queue.jobs.size === 0)
        queues.delete(vmId);
    }
  };
  return {
    take: (vmId, signal, work) =>
      enqueue(vmId, async ({ limit, jobs }) => {
        const ended = new AbortController();
        jobs.add(ended);
        const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
        try {
          return await limit(() => {
            either.throwIfAborted();
            return work(either);
          });
        } finally {
          jobs.delete(ended);
        }
      }),
    takeOver: (vmId, reason, work) =>
      enqueue(vmId, ({ limit, jobs }) => {
        for (const job of jobs) job.abort(reason);
        return limit(work);
      }),
  };
}
