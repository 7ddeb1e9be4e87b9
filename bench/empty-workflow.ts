/** The baseline of an engine: a workflow of activities that do nothing, one after the other. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { EmptyActivities, EmptySteps } from './empty-worker.ts';

const timeout = { startToCloseTimeout: '10 seconds' } as const;
const { nothing } = proxyActivities<EmptyActivities>(timeout);
const { nothing: nothingLocally } = proxyLocalActivities<EmptyActivities>(timeout);

export async function empty({ activities, local = 0 }: EmptySteps): Promise<void> {
  for (let n = 0; n < local; n += 1) await nothingLocally();
  for (let n = 0; n < activities; n += 1) await nothing();
}
