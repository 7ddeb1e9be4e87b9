/**
 * Where activities run, how long each kind may take, and what retries them.
 *
 *   control             control queue   short       Temporal retries until the database is back
 *   localControl        in the task     instants    a few tries, then `control`
 *   longRunningControl  control queue   hours       heartbeats, Temporal retries
 *   quick               host queue      short       no retry
 *   transfer            transfer queue  no limit    heartbeats, no retry
 *   machine             host queue      minutes     no retry; starts send heartbeats
 *
 * Control activities may be repeated: each changes nothing the second time, and marks its final errors as such. Jobs of
 * hosts run once: the workflow decides what a host's failure means. Their results are signed and verified (answers.ts).
 * The order in which a workflow calls these is part of its history: a change of the order needs `patched`.
 */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { ControlActivities } from '../activities/control/activities.ts';
import type { QuickActivities, TransferActivities, VmActivities } from '../model/host-activities.ts';
import { hostQueue, transferQueue } from '../model/names.ts';
import type { DownloadJob, DownloadResult } from '../model/payloads.ts';
import { summaryOf } from '../model/summary.ts';
import type { CopyTiming } from '../model/timing.ts';
import type { VmTiming } from '../model/vm-timing.ts';
import { mayStillWork } from './failures.ts';
import { callHost, verified } from './answers.ts';
import type { Unverified, VerifyAnswer } from './answers.ts';

/** No limit of attempts: a database that is away comes back. */
const RETRY_FOREVER = {
  initialInterval: '200 milliseconds',
  backoffCoefficient: 2,
  maximumInterval: '10 seconds',
} as const;

const NO_RETRY = { maximumAttempts: 1 };

/** @param summary text that Temporal's UI shows beside the activity */
export const control = (summary: string) =>
  proxyActivities<ControlActivities>({
    summary: summaryOf(summary),
    startToCloseTimeout: '30 seconds',
    retry: RETRY_FOREVER,
  });

/**
 * Control activities that run within the workflow's own task, which saves two trips to the server where a person waits.
 * For short transactions only. After three tries the call goes on as an ordinary activity, so that no workflow task
 * waits for a database that is away.
 * @param mostMs after which it goes on so in any case, while the call itself may still run. Default 4 s, for what a person waits
 * for; longer where each of very many calls would only take longer if it came twice
 */
export function localControl(summary: string, mostMs = 4000): ControlActivities {
  const local = proxyLocalActivities<UntypedActivities>({
    summary: summaryOf(summary),
    scheduleToCloseTimeout: mostMs,
    retry: { ...RETRY_FOREVER, maximumAttempts: 3 },
  });
  const ordinary = control(summary) as unknown as UntypedActivities;
  const get =
    (_target: object, name: string) =>
    async (...args: unknown[]): Promise<unknown> => {
      try {
        return await local[name]?.(...args);
      } catch (error) {
        if (!mayStillWork(error)) throw error;
        return ordinary[name]?.(...args);
      }
    };
  return new Proxy({}, { get }) as ControlActivities;
}

/** As `localControl`, for steps that may take seconds: since thousands of runs need their turns, or since they begin many others. */
export const patientLocalControl = (summary: string): ControlActivities => localControl(summary, 25_000);

type UntypedActivities = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Control activities that take long and send heartbeats. */
export const longRunningControl = (summary: string) =>
  proxyActivities<ControlActivities>({
    summary: summaryOf(summary),
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '10 seconds',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: RETRY_FOREVER,
  });

const VERIFY_SUMMARY = "Verify the host's signature";
const verifyAnswer: VerifyAnswer = (answer) => control(VERIFY_SUMMARY).acceptAnswer(answer);
export const verifyAnswerLocally: VerifyAnswer = (answer) =>
  localControl(VERIFY_SUMMARY).acceptAnswer(answer);

interface QuickOptions {
  readonly summary: string;
  /** Milliseconds in which the host must take the job; else the host counts as gone. */
  readonly takeMs: number;
  /** Milliseconds that the job may run. */
  readonly runMs: number;
  /** Milliseconds between heartbeats after which the host counts as gone; absent for jobs without heartbeats. */
  readonly silentMs?: number;
}

/** Short jobs of a host. @param receive verifies an answer, and may do more with it in the same step */
export const quick = (
  hostId: string,
  { summary, takeMs, runMs, silentMs }: QuickOptions,
  receive = verifyAnswerLocally,
) =>
  verified(
    { hostId, verifyAnswer: receive },
    {
      summary: summaryOf(summary),
      taskQueue: hostQueue(hostId),
      scheduleToStartTimeout: takeMs,
      startToCloseTimeout: runMs,
      ...(silentMs === undefined ? {} : { heartbeatTimeout: silentMs }),
      cancellationType: 'TRY_CANCEL',
      retry: NO_RETRY,
    },
  ) as unknown as QuickActivities;

/**
 * Downloads. A host takes every download at once, and sends heartbeats while the download waits for its turn: so a
 * schedule-to-start time-out always means that the host is gone, and a download may take any length of time.
 */
export const transfer = (hostId: string, timing: CopyTiming, summary: string) =>
  verified(
    { hostId, verifyAnswer },
    transferOptions(hostId, timing, summary),
  ) as unknown as TransferActivities;

/** The same download, whose result is verified by the activity that records it. */
export const transferUnverified = (
  hostId: string,
  timing: CopyTiming,
  summary: string,
  job: DownloadJob,
): Promise<Unverified<DownloadResult>> =>
  callHost(
    { hostId, verifyAnswer: verifyAnswerLocally },
    'download' satisfies keyof TransferActivities,
    transferOptions(hostId, timing, summary),
    job,
  ) as Promise<Unverified<DownloadResult>>;

const transferOptions = (hostId: string, timing: CopyTiming, summary: string): ActivityOptions => ({
  summary: summaryOf(summary),
  taskQueue: transferQueue(hostId),
  scheduleToStartTimeout: timing.takeMs,
  startToCloseTimeout: '30 days',
  heartbeatTimeout: timing.heartbeatMs,
  // The host closes the file before the workflow sends another host to it.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: NO_RETRY,
});

/**
 * Jobs of virtual machines. Each may be repeated: the host looks first what there is.
 * @param receive as of `quick`
 */
export function machine(
  hostId: string,
  timing: VmTiming,
  summary: string,
  receive?: VerifyAnswer,
): VmActivities {
  const { takeMs, startRunMs, heartbeatMs, shutdownMs, jobRunMs } = timing;
  const within = (runMs: number, silentMs?: number): VmActivities => {
    const options = { summary, takeMs, runMs, ...(silentMs === undefined ? {} : { silentMs }) };
    return quick(hostId, options, receive) as unknown as VmActivities;
  };
  const stopping = within(shutdownMs + jobRunMs);
  const short = within(jobRunMs);
  return {
    startVm: (job) => within(startRunMs, heartbeatMs).startVm(job),
    stopVm: (job) => stopping.stopVm(job),
    rebootVm: (job) => stopping.rebootVm(job),
    releaseVm: (job) => short.releaseVm(job),
    changeIso: (job) => short.changeIso(job),
    consoleLog: (job) => short.consoleLog(job),
    listDomains: (job) => short.listDomains(job),
  };
}
