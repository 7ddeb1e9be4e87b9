/** Who does the activities, how long each kind may take, and who decides whether it is tried again. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ControlActivities } from '../activities/control.ts';
import type { QuickActivities, TransferActivities } from '../model/host-activities.ts';
import { hostQueue, transferQueue } from '../model/names.ts';
import type { CopyTiming } from '../model/timing.ts';
import { believing } from './answers.ts';
import type { Accept } from './answers.ts';

/** A database that is away comes back: Temporal tries on and on. What is final says so itself. */
const UNTIL_IT_WORKS = {
  initialInterval: '200 milliseconds',
  backoffCoefficient: 2,
  maximumInterval: '10 seconds',
} as const;

/** The workflow decides what a host's failure means. */
const ONCE = { maximumAttempts: 1 };

/** @param summary what Temporal's UI shows beside the activity */
export const control = (summary: string) =>
  proxyActivities<ControlActivities>({ summary, startToCloseTimeout: '30 seconds', retry: UNTIL_IT_WORKS });

/**
 * The same within the workflow's own task: two trips to the server less each, for somebody who waits. For one short
 * transaction, and nothing longer.
 */
export const controlAtOnce = (summary: string) =>
  proxyLocalActivities<ControlActivities>({
    summary,
    startToCloseTimeout: '10 seconds',
    retry: UNTIL_IT_WORKS,
  });

/** Control activities that take long, and say that they live. */
export const patientControl = (summary: string) =>
  proxyActivities<ControlActivities>({
    summary,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '10 seconds',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: UNTIL_IT_WORKS,
  });

const ACCEPT = 'Did the host itself answer?';
const accept: Accept = (answer) => control(ACCEPT).acceptAnswer(answer);
const acceptAtOnce: Accept = (answer) => controlAtOnce(ACCEPT).acceptAnswer(answer);

interface Quick {
  readonly summary: string;
  /** A host that does not take the job in this time is gone. */
  readonly takeMs: number;
  readonly runMs: number;
  /** A host that took the job and is not heard of for this long is gone; for jobs that heartbeat. */
  readonly silentMs?: number;
}

/** Short jobs of a host. */
export const quick = (hostId: string, { summary, takeMs, runMs, silentMs }: Quick) =>
  believing(
    { hostId, accept: acceptAtOnce },
    {
      summary,
      taskQueue: hostQueue(hostId),
      scheduleToStartTimeout: takeMs,
      startToCloseTimeout: runMs,
      ...(silentMs === undefined ? {} : { heartbeatTimeout: silentMs }),
      cancellationType: 'TRY_CANCEL',
      retry: ONCE,
    },
  ) as unknown as QuickActivities;

/**
 * Downloads. A host takes every one at once, and heartbeats while it waits for its turn: so the first timeout always
 * means that the host is gone, and the length of a download has no limit.
 */
export const transfer = (hostId: string, timing: CopyTiming, summary: string) =>
  believing(
    { hostId, accept },
    {
      summary,
      taskQueue: transferQueue(hostId),
      scheduleToStartTimeout: timing.takeMs,
      startToCloseTimeout: '30 days',
      heartbeatTimeout: timing.heartbeatMs,
      // The file is left alone before anybody else is sent to it.
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: ONCE,
    },
  ) as unknown as TransferActivities;
