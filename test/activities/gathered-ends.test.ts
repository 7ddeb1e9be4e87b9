import { gatherEnds } from '../../activities/control/gathered-ends.ts';
import type { GatheredEnds } from '../../activities/control/gathered-ends.ts';
import { rolloutWorkflowId, vmWorkflowId } from '../../model/names.ts';

const ROLLOUT = rolloutWorkflowId('a');
const OTHER = rolloutWorkflowId('b');
const MACHINE = vmWorkflowId('c');
const PAUSE_MS = 500;

let sent: string[];
let lost: unknown[];
let refusal: Error | undefined;
let ends: GatheredEnds;

const copy = (poolId: string) => ({ templateId: 't', poolId });
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
  lost = [];
  refusal = undefined;
  const signalEnded = async ({ poolId }: { readonly poolId: string }, ids: readonly string[]) => {
    sent.push(...ids.map((id) => `${poolId} to ${id}`));
    if (refusal !== undefined) throw refusal;
  };
  ends = gatherEnds({ signalEnded }, (error) => lost.push(error), PAUSE_MS);
});
afterEach(() => void jest.useRealTimers());

test('a roll-out is told of the first end at once, and of those in the pause after it together', async () => {
  await ends.tell(copy('1'), [ROLLOUT]);
  expect(sent).toEqual([`1 to ${ROLLOUT}`]);
  for (const pool of ['2', '3', '4']) await ends.tell(copy(pool), [ROLLOUT]);
  await pass(PAUSE_MS - 1);
  expect(sent).toHaveLength(1);
  await pass(1);
  expect(sent).toEqual([`1 to ${ROLLOUT}`, `4 to ${ROLLOUT}`]);
});

test('a gathered signal begins another pause, and a pause without an end is the last', async () => {
  await ends.tell(copy('1'), [ROLLOUT]);
  await ends.tell(copy('2'), [ROLLOUT]);
  await pass(PAUSE_MS);
  await ends.tell(copy('3'), [ROLLOUT]);
  expect(sent).toHaveLength(2);
  await pass(PAUSE_MS);
  expect(sent).toHaveLength(3);
  await pass(PAUSE_MS);
  expect(jest.getTimerCount()).toBe(0);
  await ends.tell(copy('4'), [ROLLOUT]);
  expect(sent).toEqual(['1', '2', '3', '4'].map((pool) => `${pool} to ${ROLLOUT}`));
});

test('roll-outs are told independently of each other, and all other workflows of each end at once', async () => {
  for (const pool of ['1', '2']) await ends.tell(copy(pool), [ROLLOUT, MACHINE]);
  await ends.tell(copy('3'), [OTHER]);
  expect(sent).toEqual([`1 to ${ROLLOUT}`, `1 to ${MACHINE}`, `2 to ${MACHINE}`, `3 to ${OTHER}`]);
});

test('only what is to be told at once fails; a gathered signal that cannot be sent is reported, and the next one is sent', async () => {
  refusal = new Error('Temporal is away');
  await expect(ends.tell(copy('1'), [ROLLOUT])).rejects.toBe(refusal);
  await ends.tell(copy('2'), [ROLLOUT]);
  await pass(PAUSE_MS);
  expect(lost).toEqual([refusal]);
  refusal = undefined;
  await ends.tell(copy('3'), [ROLLOUT]);
  await pass(PAUSE_MS);
  expect(sent).toEqual(['1', '2', '3'].map((pool) => `${pool} to ${ROLLOUT}`));
  expect(lost).toHaveLength(1);
});
