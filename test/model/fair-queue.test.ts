import { createFairQueue, QueueFull } from '../../model/fair-queue.ts';
import { deferred } from '../support/deferred.ts';

/** Work that notes its name when it begins, and ends when it is released. */
function works() {
  const begun: string[] = [];
  const gates = new Map<string, ReturnType<typeof deferred>>();
  return {
    begun,
    work: (name: string) => async (): Promise<string> => {
      begun.push(name);
      const gate = deferred();
      gates.set(name, gate);
      await gate.promise;
      return name;
    },
    release: async (name: string): Promise<void> => {
      await new Promise(setImmediate);
      gates.get(name)?.resolve(undefined);
    },
  };
}

test('as many works run as there are slots, and owners take turns', async () => {
  const queue = createFairQueue({ slots: 1 });
  const { begun, work, release } = works();
  const all = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => queue.run(name.charAt(0), work(name)));
  for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) await release(name);
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'b2']);
  expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
});

test('work that fails gives its slot back', async () => {
  const queue = createFairQueue({ slots: 1 });
  await expect(queue.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await queue.run('a', () => Promise.resolve(1))).toBe(1);
});

test('a full queue, of one owner or of all, refuses work at once', async () => {
  const queue = createFairQueue({ slots: 1, maxWaiting: 3, maxWaitingPerOwner: 2 });
  const { work, release } = works();
  const taken = ['a1', 'a2', 'a3'].map((name) => queue.run('a', work(name)));
  await expect(queue.run('a', work('a4'))).rejects.toThrow(QueueFull);
  taken.push(queue.run('b', work('b1')));
  await expect(queue.run('c', work('c1'))).rejects.toThrow(QueueFull);
  for (const name of ['a1', 'a2', 'b1', 'a3']) await release(name);
  expect(await Promise.all(taken)).toEqual(['a1', 'a2', 'a3', 'b1']);
});

test('work that is aborted while it waits is not started, and frees its place', async () => {
  const queue = createFairQueue({ slots: 1, maxWaiting: 1 });
  const { begun, work, release } = works();
  const stop = new AbortController();
  const first = queue.run('a', work('a1'));
  const second = queue.run('b', work('b1'), stop.signal);
  stop.abort(new Error('stopped'));
  await expect(second).rejects.toThrow('stopped');
  const third = queue.run('c', work('c1'));
  await release('a1');
  await release('c1');
  expect([await first, await third, begun]).toEqual(['a1', 'c1', ['a1', 'c1']]);
  await expect(queue.run('b', work('b2'), stop.signal)).rejects.toThrow('stopped');
});

test('one owner gets its own limit of slots, and leaves the rest to other owners', async () => {
  const queue = createFairQueue({ slots: 3, slotsPerOwner: 2 });
  const { begun, work, release } = works();
  const all = ['a1', 'a2', 'a3', 'a4', 'b1'].map((name) => queue.run(name.charAt(0), work(name)));
  await release('b1');
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  for (const name of ['a1', 'a3', 'a2', 'a4']) await release(name);
  await Promise.all(all);
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3', 'a4']);
});

test('a turn that is ended twice frees one slot', async () => {
  const queue = createFairQueue({ slots: 1 });
  const end = await queue.enter('a');
  end();
  end();
  await queue.enter('b');
  const { begun, work } = works();
  void queue.run('c', work('c1'));
  await new Promise(setImmediate);
  expect(begun).toEqual([]);
});
