/** The baseline for registrations: a workflow of two activities that do nothing. */
import { proxyActivities } from '@temporalio/workflow';
import type { EmptyActivities } from './empty-worker.ts';

const { nothing } = proxyActivities<EmptyActivities>({ startToCloseTimeout: '10 seconds' });

export async function empty(): Promise<void> {
  await nothing();
  await nothing();
}
