/** What the jobs of a machine share: the signals of its workflow, and how a wait ends early. */
import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, condition, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import type { FirstSteps, JobError, NextVmTask, VmJobRef, VmLeftover } from '../../activities/control/vms.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { describeFailure, describeFailureWithHost, withHost } from '../../model/failures.ts';
import type { Failure } from '../../model/failures.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import type { VmInput, VmTask } from '../../model/vm-payloads.ts';
import { continueAs } from '../continue-as-new.ts';
import { receiveEndNotices } from '../end-notices.ts';
import type { EndNotices } from '../end-notices.ts';
import { causeOf, jobErrorOf } from '../failures.ts';
import { control } from '../policies.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export interface VmSignals {
  /** Signals so far, each of which may mean a new job. */
  wanted: number;
  /** The workflow was cancelled in Temporal. */
  cancelled: boolean;
  /** Ends of the workflows of copies. */
  readonly copies: EndNotices;
}

export function receiveVmSignals(): VmSignals {
  const signals: VmSignals = { wanted: 0, cancelled: false, copies: receiveEndNotices() };
  setHandler(wantedSignal, () => {
    signals.wanted += 1;
  });
  CancellationScope.current().cancelRequested.catch(() => {
    signals.cancelled = true;
  });
  return signals;
}

/** The workflow of a machine. */
export interface VmPlace {
  readonly input: VmInput;
  readonly signals: VmSignals;
  /** Whether the answer to a start is recorded within the task that receives it, with the look for the next job. */
  readonly endsInTask: boolean;
  /** Name of the machine, for people. */
  readonly name: string;
}

/** A job of the machine under way. */
export interface VmRun extends VmPlace {
  readonly task: VmTask;
  /** What was done of a start when its job was found. */
  readonly begun?: FirstSteps;
  /** Number of signals when the run last looked for other jobs. */
  heeded: number;
}

/** A look for the next job. */
export interface Look {
  readonly next: NextVmTask | VmLeftover | undefined;
  /** Number of signals before it. */
  readonly served: number;
}

export const jobOf = ({ input, task }: VmRun): VmJobRef => ({
  vmId: input.vmId,
  jobId: task.jobId,
  command: task.command,
});

/** For waits: ends them when a signal comes. */
export const wakeOf = ({ signals }: VmPlace): (() => boolean) => {
  const { wanted } = signals;
  return () => signals.cancelled || signals.wanted > wanted;
};

const VERBS: Readonly<Record<string, string>> = {
  stopVirtualMachine: 'stopped',
  destroyVirtualMachine: 'destroyed',
  expungeVirtualMachine: 'expunged',
};

/**
 * Call it between the steps of a start that waits.
 * @throws ApplicationFailure Cancelled when a younger job stops or destroys the machine, or the workflow was cancelled
 */
export async function heedOtherJobs(run: VmRun): Promise<void> {
  const { signals, input, name, task } = run;
  if (signals.cancelled) throw ended(`${task.command} of ${name} was cancelled in Temporal`);
  if (signals.wanted === run.heeded) return;
  run.heeded = signals.wanted;
  const other = await control('See whether another job ends this one').endingVmTask(input.vmId);
  if (other === undefined) return;
  throw ended(
    `${task.command} of ${name} was ended, since ${other.by} wants the machine ${VERBS[other.command] ?? 'otherwise'}`,
  );
}

/**
 * Waits for a job of a host, and heeds other jobs of the machine meanwhile.
 * @param call gets what it calls when it begins to record the answer of the host: from then on nothing ends the job, also when
 * the task is done again, since the answer is in the history
 * @throws what `heedOtherJobs` throws; then the host still works on its job, until a release ends it
 */
export async function heedingOtherJobs<T>(
  run: VmRun,
  call: (onAnswer: () => void) => Promise<T>,
): Promise<T> {
  const { signals } = run;
  const scope = new CancellationScope();
  let isOver = false;
  let isRecorded = false;
  const called = scope.run(() => call(() => (isRecorded = true)));
  const note = (): void => {
    isOver = true;
  };
  called.then(note, note);
  for (;;) {
    await condition(() => isOver || isRecorded || signals.cancelled || signals.wanted > run.heeded);
    if (isOver || isRecorded) return called;
    try {
      await heedOtherJobs(run);
    } catch (error) {
      if (isRecorded) return called.catch(() => Promise.reject(error as Error));
      scope.cancel();
      throw error;
    }
  }
}

const ended = (text: string): ApplicationFailure =>
  failWith({ code: apiCodes.internal, text, kind: 'Cancelled' }, true);

/** Continues a run whose history has grown long. The next run begins the job again, from what the database says. */
export async function continueIfLong({ input }: VmPlace): Promise<void> {
  if (workflowInfo().continueAsNewSuggested) await continueAs(workflowTypes.vm, input);
}

interface EndDetail {
  readonly jobError?: JobError;
  readonly ended?: boolean;
}

/** The failure that ends a job with this error. @param byOther another job, or a person in Temporal, ended the job */
export const failWith = (jobError: JobError, byOther = false): ApplicationFailure =>
  ApplicationFailure.create({
    type: jobError.kind ?? 'Failed',
    message: withHost(jobError.text, jobError.host),
    nonRetryable: true,
    details: [{ jobError, ended: byOther } satisfies EndDetail],
  });

function detailOf(failure: unknown): EndDetail {
  const cause = causeOf(failure);
  const details = cause instanceof ApplicationFailure ? cause.details : undefined;
  const [detail = {}] = (details ?? []) as readonly EndDetail[];
  return detail;
}

/** The error with which a failure ends a job. */
export const errorOf = (failure: unknown): JobError => detailOf(failure).jobError ?? jobErrorOf(failure);

/** Whether another job, or a person in Temporal, ended the job. */
export const wasEnded = (failure: unknown): boolean => detailOf(failure).ended === true;

/** Why a job waits, for administrators and for every user. */
export const reasonsOf = (failure: Failure): { readonly reason: string; readonly publicReason: string } => ({
  reason: describeFailureWithHost(failure),
  publicReason: describeFailure(failure),
});
