/** Limits how many downloads of a host run at a time. Waiting ones start by priority, then by age. */

export interface ScheduledJob {
  /** By which `raise` finds it. */
  readonly id?: string;
  /** 1 goes before 5. */
  readonly priority: number;
  readonly signal: AbortSignal;
  /** Called while the job waits, at once and whenever the number of jobs ahead changes. */
  onWaiting(ahead: number): void;
}

export interface Scheduler {
  /** @throws what `work` throws, or the signal's reason when aborted while waiting */
  run<T>(job: ScheduledJob, work: () => Promise<T>): Promise<T>;
  /** Moves a waiting job forward to those of this priority. A job that runs, or that is before them, stays where it is. */
  raise(id: string, priority: number): void;
  /** Changes how many jobs may run at a time. Running jobs are never stopped. */
  setLimit(limit: number): void;
  counts(): { readonly running: number; readonly waiting: number };
}

interface Waiting {
  readonly job: ScheduledJob;
  priority: number;
  /** The last number passed to `onWaiting`. */
  reportedAhead: number | undefined;
  start(): void;
}

export function createScheduler(options: { readonly limit: number }): Scheduler {
  let limit = options.limit;
  let running = 0;
  const queue: Waiting[] = [];

  /** Starts jobs while the limit allows, and reports to the others how many are ahead. */
  const advance = (): void => {
    while (running < limit) {
      const next = queue.shift();
      if (next === undefined) break;
      running += 1;
      next.start();
    }
    queue.forEach((entry, ahead) => {
      if (entry.reportedAhead === ahead) return;
      entry.reportedAhead = ahead;
      entry.job.onWaiting(ahead);
    });
  };

  const enter = (entry: Waiting): void => {
    const before = queue.findIndex(({ priority }) => priority > entry.priority);
    queue.splice(before < 0 ? queue.length : before, 0, entry);
    advance();
  };

  const waitForTurn = (job: ScheduledJob): Promise<void> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        reject(job.signal.reason as Error);
        advance();
      };
      const start = (): void => {
        job.signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const entry: Waiting = { job, priority: job.priority, reportedAhead: undefined, start };
      job.signal.addEventListener('abort', onAbort, { once: true });
      enter(entry);
    });

  return {
    async run(job, work) {
      job.signal.throwIfAborted();
      await waitForTurn(job);
      try {
        return await work();
      } finally {
        running -= 1;
        advance();
      }
    },
    raise(id, priority) {
      const at = queue.findIndex(({ job }) => job.id === id);
      const [entry] = at < 0 || (queue[at]?.priority ?? 0) <= priority ? [] : queue.splice(at, 1);
      if (entry === undefined) return;
      entry.priority = priority;
      enter(entry);
    },
    setLimit(next) {
      limit = next;
      advance();
    },
    counts: () => ({ running, waiting: queue.length }),
  };
}
