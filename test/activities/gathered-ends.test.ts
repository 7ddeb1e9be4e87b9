import { gatherEnds } from '../../activities/control/gathered-ends.ts';
import type { GatheredEnds, GoOn } from '../../activities/control/gathered-ends.ts';
import { rolloutWorkflowId, vmWorkflowId } from '../../model/names.ts';
import { deferred } from '../support/deferred.ts';

const ROLLOUT = rolloutWorkflowId('a');
const OTHER = rolloutWorkflowId('b');
const MACHINE = vmWorkflowId('c');
const PAUSE_MS = 500;

/** Such as `2: a goes on`, of the copy on pool 2. */
let seen: string[];
let lost: unknown[];
let refusal: Error | undefined;
/** Whatever lets a roll-out go on waits for it. */
let gate: Promise<void>;
let ends: GatheredEnds;

const copy = (poolId: string) => ({ templateId: 't', poolId });
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  jest.useFakeTimers();
  seen = [];
  lost = [];
  refusal = undefined;
  gate = Promise.resolve();
  const orchestration = {
    async signalEnded({ poolId }: { readonly poolId: string }, ids: readonly string[]) {
      seen.push(...ids.map((id) => `${poolId}: ${id} is told`));
      if (refusal !== undefined) throw refusal;
    },
  };
  const goOn: GoOn = async (jobId, { poolId }) => {
    seen.push(`${poolId}: ${jobId} goes on`);
    await gate;
    if (refusal !== undefined) throw refusal;
  };
  ends = gatherEnds(orchestration, goOn, (error) => lost.push(error), PAUSE_MS);
});
afterEach(() => void jest.useRealTimers());

test('a roll-out goes on at the first end at once, and for all those in the pause after it once', async () => {
  await ends.tell(copy('1'), [ROLLOUT]);
  expect(seen).toEqual(['1: a goes on']);
  for (const pool of ['2', '3', '4']) await ends.tell(copy(pool), [ROLLOUT]);
  await pass(PAUSE_MS - 1);
  expect(seen).toHaveLength(1);
  await pass(1);
  expect(seen).toEqual(['1: a goes on', '4: a goes on']);
});

test('each time begins another pause, and a pause without an end is the last', async () => {
  await ends.tell(copy('1'), [ROLLOUT]);
  await ends.tell(copy('2'), [ROLLOUT]);
  await pass(PAUSE_MS);
  await ends.tell(copy('3'), [ROLLOUT]);
  expect(seen).toHaveLength(2);
  await pass(PAUSE_MS);
  expect(seen).toHaveLength(3);
  await pass(PAUSE_MS);
  expect(jest.getTimerCount()).toBe(0);
  await ends.tell(copy('4'), [ROLLOUT]);
  expect(seen).toEqual(['1', '2', '3', '4'].map((pool) => `${pool}: a goes on`));
});

test('a roll-out never goes on twice at once, however long it takes, and whoever tells does not wait for it', async () => {
  const done = deferred();
  gate = done.promise;
  await ends.tell(copy('1'), [ROLLOUT]);
  await ends.tell(copy('2'), [ROLLOUT]);
  await pass(10 * PAUSE_MS);
  expect(seen).toEqual(['1: a goes on']);
  done.resolve();
  await pass(PAUSE_MS);
  expect(seen).toEqual(['1: a goes on', '2: a goes on']);
});

test('roll-outs go on independently of each other, and all workflows that wait are told of each end at once', async () => {
  for (const pool of ['1', '2']) await ends.tell(copy(pool), [ROLLOUT, MACHINE]);
  await ends.tell(copy('3'), [OTHER]);
  expect(seen).toEqual(['1: a goes on', `1: ${MACHINE} is told`, `2: ${MACHINE} is told`, '3: b goes on']);
});

test('only a workflow that was not told is a failure; a roll-out that could not go on is reported, and goes on at the next end', async () => {
  refusal = new Error('Temporal is away');
  await expect(ends.tell(copy('1'), [MACHINE])).rejects.toBe(refusal);
  await ends.tell(copy('1'), [ROLLOUT]);
  await pass(PAUSE_MS);
  expect(lost).toEqual([refusal]);
  refusal = undefined;
  await ends.tell(copy('2'), [ROLLOUT]);
  await pass(PAUSE_MS);
  expect(seen).toEqual([`1: ${MACHINE} is told`, '1: a goes on', '2: a goes on']);
  expect(lost).toHaveLength(1);
});
