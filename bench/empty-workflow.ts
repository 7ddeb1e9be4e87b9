/** The baseline of an engine: a workflow of activities that do nothing, one after the other. */
import { proxyActivities } from '@temporalio/workflow';
import type { EmptyActivities } from './empty-worker.ts';

const { nothing } = proxyActivities<EmptyActivities>({ startToCloseTimeout: '10 seconds' });

export async function empty(activities: number): Promise<void> {
  for (let n = 0; n < activities; n += 1) await nothing();
}
