/** Which downloads of a host run now: so many at a time, by priority, then by age. */

export interface ScheduledJob {
  /** 1 goes before 5. */
  readonly priority: number;
  readonly signal: AbortSignal;
  /** Called while the job waits, at once and whenever the number of those before it changes. */
  onWaiting(ahead: number): void;
}

export interface Scheduler {
  /** @throws what `work` throws, or the signal's reason when aborted while waiting */
  run<T>(job: ScheduledJob, work: () => Promise<T>): Promise<T>;
  /** How many may run at a time; running ones are never stopped by it. */
  setLimit(limit: number): void;
  counts(): { readonly running: number; readonly waiting: number };
}

interface Waiting {
  readonly job: ScheduledJob;
  told: number | undefined;
  start(): void;
}

export function createScheduler(options: { readonly limit: number }): Scheduler {
  let limit = options.limit;
  let running = 0;
  const queue: Waiting[] = [];

  const settle = (): void => {
    while (running < limit) {
      const next = queue.shift();
      if (next === undefined) break;
      running += 1;
      next.start();
    }
    queue.forEach((entry, ahead) => {
      if (entry.told === ahead) return;
      entry.told = ahead;
      entry.job.onWaiting(ahead);
    });
  };

  const turn = (job: ScheduledJob): Promise<void> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        reject(job.signal.reason as Error);
        settle();
      };
      const start = (): void => {
        job.signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const entry: Waiting = { job, told: undefined, start };
      job.signal.addEventListener('abort', onAbort, { once: true });
      const younger = queue.findIndex((other) => other.job.priority > job.priority);
      queue.splice(younger < 0 ? queue.length : younger, 0, entry);
      settle();
    });

  return {
    async run(job, work) {
      job.signal.throwIfAborted();
      await turn(job);
      try {
        return await work();
      } finally {
        running -= 1;
        settle();
      }
    },
    setLimit(next) {
      limit = next;
      settle();
    },
    counts: () => ({ running, waiting: queue.length }),
  };
}
