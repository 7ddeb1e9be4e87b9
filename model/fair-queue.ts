/**
 * A queue with a limited number of slots, in all and for each owner. Owners take turns: the first work of the owner whose
 * last turn is longest ago comes next. So the many works of one owner do not delay the one of another owner.
 */

export class QueueFull extends Error {}

export interface FairQueue {
  /**
   * Waits for a turn.
   * @param owner on whose behalf the work is done
   * @returns a function that ends the turn
   * @throws QueueFull at once when too many works wait; the signal's reason when aborted while waiting
   */
  enter(owner: string, signal?: AbortSignal): Promise<() => void>;
  /** Waits for a turn, and runs the work in it. @throws as `enter`; the error of `work` */
  run<T>(owner: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface FairQueueOptions {
  /** Works at a time, of all owners; default no limit. */
  readonly slots?: number;
  /** Works at a time, of one owner; default no limit. */
  readonly slotsPerOwner?: number;
  /** Works that may wait, of all owners together; default no limit. */
  readonly maxWaiting?: number;
  /** Works that may wait, of one owner; default no limit. */
  readonly maxWaitingPerOwner?: number;
}

interface Owner {
  running: number;
  readonly waiting: (() => void)[];
}

export function createFairQueue({
  slots = Infinity,
  slotsPerOwner = Infinity,
  maxWaiting = Infinity,
  maxWaitingPerOwner = Infinity,
}: FairQueueOptions): FairQueue {
  /** In the order of their next turns. An owner without running and waiting works is removed. */
  const owners = new Map<string, Owner>();
  let running = 0;
  let waiting = 0;

  const removeIdle = (name: string, owner: Owner): void => {
    if (owner.running === 0 && owner.waiting.length === 0) owners.delete(name);
  };

  const startNext = (): void => {
    while (running < slots) {
      const next = [...owners].find(([, owner]) => owner.waiting.length > 0 && owner.running < slotsPerOwner);
      if (next === undefined) return;
      const [name, owner] = next;
      owners.delete(name);
      owners.set(name, owner);
      waiting -= 1;
      running += 1;
      owner.running += 1;
      owner.waiting.shift()?.();
    }
  };

  const leave = (name: string): void => {
    const owner = owners.get(name);
    if (owner === undefined) return;
    running -= 1;
    owner.running -= 1;
    removeIdle(name, owner);
    startNext();
  };

  const turn = (name: string, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const owner = owners.get(name) ?? { running: 0, waiting: [] };
      const mustWait = running >= slots || owner.running >= slotsPerOwner;
      if (mustWait && (waiting >= maxWaiting || owner.waiting.length >= maxWaitingPerOwner)) {
        reject(new QueueFull(`${waiting} wait already`));
        return;
      }
      const onAbort = (): void => {
        owner.waiting.splice(owner.waiting.indexOf(start), 1);
        waiting -= 1;
        removeIdle(name, owner);
        reject(signal?.reason as Error);
      };
      const start = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      owners.set(name, owner);
      owner.waiting.push(start);
      waiting += 1;
      signal?.addEventListener('abort', onAbort, { once: true });
      startNext();
    });

  const enter: FairQueue['enter'] = async (owner, signal) => {
    signal?.throwIfAborted();
    await turn(owner, signal);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      leave(owner);
    };
  };

  return {
    enter,
    async run(owner, work, signal) {
      const end = await enter(owner, signal);
      try {
        return await work();
      } finally {
        end();
      }
    },
  };
}
