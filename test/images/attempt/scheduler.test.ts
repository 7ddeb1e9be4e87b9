import { createScheduler } from '../../../images/attempt/scheduler.ts';
import type { Scheduler } from '../../../images/attempt/scheduler.ts';

/** A job that runs until its controller ends it. */
function job(scheduler: Scheduler, priority = 5, id = '') {
  const aborter = new AbortController();
  const positions: number[] = [];
  let started = false;
  let end: (() => void) | undefined;
  const done = scheduler.run(
    { id, priority, signal: aborter.signal, onWaiting: (ahead) => void positions.push(ahead) },
    () => {
      started = true;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    },
  );
  done.catch(() => undefined);
  return {
    positions,
    done,
    isStarted: () => started,
    end: () => end?.(),
    abort: () => aborter.abort(new Error('aborted')),
  };
}

/** Lets everything that is due happen. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('as many jobs run as the limit allows, and the others learn how many are ahead', async () => {
  const scheduler = createScheduler({ limit: 2 });
  const jobs = [1, 2, 3, 4].map(() => job(scheduler));
  await settle();
  expect(jobs.map((one) => one.isStarted())).toEqual([true, true, false, false]);
  expect(jobs.map(({ positions }) => positions)).toEqual([[], [], [0], [1]]);
  expect(scheduler.counts()).toEqual({ running: 2, waiting: 2 });
  jobs[1]?.end();
  await settle();
  expect(jobs.map((one) => one.isStarted())).toEqual([true, true, true, false]);
  expect(jobs[3]?.positions).toEqual([1, 0]);
});

test('waiting jobs start by priority, then by age', async () => {
  const scheduler = createScheduler({ limit: 0 });
  const jobs = [5, 1, 5, 1, 3].map((priority) => job(scheduler, priority));
  expect(jobs.map(({ positions }) => positions.at(-1))).toEqual([3, 0, 4, 1, 2]);
  const order: number[] = [];
  for (let limit = 1; limit <= 5; limit += 1) {
    scheduler.setLimit(limit);
    await settle();
    order.push(...jobs.flatMap((one, index) => (one.isStarted() && !order.includes(index) ? [index] : [])));
  }
  expect(order).toEqual([1, 3, 4, 0, 2]);
});

test('a waiting job is raised before those of a lower priority, and never moved back', async () => {
  const scheduler = createScheduler({ limit: 0 });
  const jobs = [3, 3, 1, 3].map((priority, at) => job(scheduler, priority, `job${at}`));
  const places = () => jobs.map(({ positions }) => positions.at(-1));
  expect(places()).toEqual([1, 2, 0, 3]);
  scheduler.raise('job3', 1);
  expect(places()).toEqual([2, 3, 0, 1]);
  scheduler.raise('job2', 3);
  scheduler.raise('nobody', 1);
  expect(places()).toEqual([2, 3, 0, 1]);
  scheduler.setLimit(1);
  await settle();
  scheduler.raise('job2', 0);
  scheduler.raise('job1', 0);
  expect(places()).toEqual([2, 0, 0, 1]);
});

test('a lowered limit stops no job, and starts none until there is room again', async () => {
  const scheduler = createScheduler({ limit: 2 });
  const jobs = [1, 2, 3].map(() => job(scheduler));
  scheduler.setLimit(1);
  await settle();
  expect(scheduler.counts()).toEqual({ running: 2, waiting: 1 });
  jobs[0]?.end();
  await settle();
  expect(jobs[2]?.isStarted()).toBe(false);
  jobs[1]?.end();
  await settle();
  expect(jobs[2]?.isStarted()).toBe(true);
});

test('a job aborted while it waits leaves the queue with the reason, and the rest move up', async () => {
  const scheduler = createScheduler({ limit: 1 });
  const jobs = [1, 2, 3].map(() => job(scheduler));
  jobs[1]?.abort();
  await expect(jobs[1]?.done).rejects.toThrow('aborted');
  expect(jobs[2]?.positions).toEqual([1, 0]);
  expect(scheduler.counts()).toEqual({ running: 1, waiting: 1 });
});

test('a job that was already aborted never enters the queue', async () => {
  const scheduler = createScheduler({ limit: 1 });
  const signal = AbortSignal.abort(new Error('too late'));
  const work = jest.fn();
  await expect(scheduler.run({ priority: 1, signal, onWaiting: work }, work)).rejects.toThrow('too late');
  expect(work).not.toHaveBeenCalled();
  expect(scheduler.counts()).toEqual({ running: 0, waiting: 0 });
});

test('failing work makes room for the next job, and its error reaches the caller', async () => {
  const scheduler = createScheduler({ limit: 1 });
  const { signal } = new AbortController();
  const failing = scheduler.run({ priority: 1, signal, onWaiting: () => undefined }, () =>
    Promise.reject(new Error('broken')),
  );
  const next = job(scheduler);
  await expect(failing).rejects.toThrow('broken');
  await settle();
  expect(next.isStarted()).toBe(true);
});
