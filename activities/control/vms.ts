/** The control side of the jobs of virtual machines: which is next, what the machine is, how the job ends. */
import { sql } from 'kysely';
import type { JobError } from '../../db/jobs/jobs.ts';
import { forgetPowerOf } from '../../db/vms/domains.ts';
import {
  AT_REST,
  changeState,
  forgetPlace,
  LIVING,
  machineFacts,
  nameOf,
  stateAfterFailure,
} from '../../db/vms/states.ts';
import type { MachineFacts } from '../../db/vms/states.ts';
import { endingTask, endTask, nextTask } from '../../db/vms/tasks.ts';
import { planRelease, recordReleased, removeRows } from '../../db/vms/volumes.ts';
import type { ReleasePlan, Removes } from '../../db/vms/volumes.ts';
import type { ReleaseVmResult, VmCommand, VmStateResult, VmTask } from '../../model/vm-payloads.ts';
import type { VmPhase, VmState } from '../../model/vms.ts';
import { workflowId } from '../context.ts';
import { readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';
import { removeUnused } from './unused-copies.ts';
import { takeFirstSteps } from './vm-first-steps.ts';
import type { FirstSteps } from './vm-first-steps.ts';

export type { JobError } from '../../db/jobs/jobs.ts';
export type { MachineFacts } from '../../db/vms/states.ts';
export type { FirstSteps } from './vm-first-steps.ts';
export type { Release, Removes } from '../../db/vms/volumes.ts';

/** A job of a machine. */
export interface VmJobRef {
  readonly vmId: string;
  readonly jobId: string;
  readonly command: VmCommand;
}

/** A machine whose host has not confirmed that it has nothing of a failed deployment. */
export interface VmLeftover {
  readonly task?: undefined;
  readonly machine: MachineFacts;
}

export interface NextVmTask {
  readonly task: VmTask;
  /** Whether another job waits that ends this one, if it is a start. */
  readonly ended: boolean;
  /** As it was before the start began. Absent when the machine is gone. */
  readonly machine?: MachineFacts;
  readonly begun?: FirstSteps;
}

export interface FailedVmTask {
  readonly error: JobError;
  /** Another job, or a person in Temporal, ended it. */
  readonly ended: boolean;
}

export interface VmTaskActivities {
  /** The oldest job that waits for the machine, a start with its first steps; or what a failed deployment left on a host. */
  nextVmTask(vmId: string): Promise<NextVmTask | VmLeftover | undefined>;
  /** The waiting job, if any, that ends a start of the machine. */
  endingVmTask(vmId: string): Promise<{ readonly command: VmCommand; readonly by: string } | undefined>;
  /** Notes what a start does or waits for. */
  noteVm(vmId: string, phase: VmPhase, reason: string | null): Promise<void>;
  /** Ends a job with success. */
  completeVmTask(job: VmJobRef, description: string): Promise<void>;
  /** Ends a job with a failure. @returns the state in which it leaves the machine; undefined when there is none any more */
  failVmTask(job: VmJobRef, failed: FailedVmTask): Promise<VmState | undefined>;
  /** Notes that it is unknown whether the machine runs: its host has not confirmed that it does not. */
  forgetVmPower(vmId: string): Promise<void>;
  /** Records that the machine is about to stop. */
  beginVmStop(vmId: string): Promise<void>;
  /** Records that the machine is stopped. @param result absent when no host has it */
  recordVmStopped(vmId: string, result?: VmStateResult): Promise<void>;
  /** Records that the machine is destroyed, and ends the job. */
  recordVmDestroyed(job: VmJobRef): Promise<void>;
  /** Records that the machine and its disks are about to be removed. */
  beginVmExpunge(vmId: string): Promise<void>;
  /** Removes the rows of a machine that no host has any more, ends the job, and requests the removal of deleted images. */
  finishVmExpunge(job: VmJobRef): Promise<void>;
  /** The next step of a host towards the removal of the machine and its disks; undefined when nothing is left to do. */
  planVmRelease(vmId: string, removes: Removes): Promise<ReleasePlan | undefined>;
  /** Records that a host has no domain of the machine, and has removed disks. */
  recordVmReleased(result: ReleaseVmResult, removed: readonly string[]): Promise<void>;
  /** Takes back a placement that no host was called for. */
  unplaceVm(vmId: string): Promise<void>;
}

export function createVmTaskActivities(deps: ControlDeps): VmTaskActivities {
  const { db } = deps;
  return {
    async nextVmTask(vmId) {
      const next = await nextJob(deps, vmId);
      if (next !== undefined) return next;
      const machine = await machineFacts(db, vmId);
      return machine?.state === 'Error' && machine.host !== undefined ? { machine } : undefined;
    },

    endingVmTask: (vmId) => endingTask(db, vmId),

    async noteVm(vmId, phase, reason) {
      await changeState(db, vmId, ['Starting'], { phase, error_str: reason, error_kind: null });
    },

    completeVmTask: (job, description) =>
      db.transaction().execute((tx) => endTask(tx, withWorkflow(job), { description })),

    failVmTask: (job, { error, ended }) =>
      db.transaction().execute(async (tx) => {
        const state = await stateAfterFailure(tx, job, ended);
        const change = { phase: null, error_str: error.text, error_kind: error.kind ?? null };
        if (state !== undefined) await changeState(tx, job.vmId, LIVING, { state, ...change });
        await endTask(tx, withWorkflow(job), { error, description: error.text });
        return state;
      }),

    forgetVmPower: (vmId) => forgetPowerOf(db, vmId),

    planVmRelease: (vmId, removes) => planRelease(db, vmId, removes),

    async recordVmReleased(answer, removed) {
      await recordReleased(db, await readSigned(db, ['releaseVm'], answer), removed);
    },

    async beginVmStop(vmId) {
      await changeState(db, vmId, ['Running', 'Starting'], { state: 'Stopping', error_str: null });
    },

    async recordVmStopped(vmId, answer) {
      if (answer !== undefined) await readSigned(db, ['stopVm'], answer);
      await changeState(db, vmId, ['Stopping', 'Stopped', 'Running', 'Starting'], {
        state: 'Stopped',
        power_state: 'PowerOff',
        ...AT_REST,
      });
    },

    recordVmDestroyed: (job) =>
      db.transaction().execute(async (tx) => {
        const { vmId } = job;
        await changeState(tx, vmId, LIVING, { state: 'Destroyed', destroyed: sql<Date>`now()`, ...AT_REST });
        const description = `Virtual machine ${await nameOf(tx, vmId)} is destroyed`;
        await endTask(tx, withWorkflow(job), { description });
      }),

    async beginVmExpunge(vmId) {
      await changeState(db, vmId, [...LIVING, 'Destroyed'], { state: 'Expunging', ...AT_REST });
    },

    async finishVmExpunge(job) {
      await db.transaction().execute(async (tx) => {
        const { vmId } = job;
        const description = `Virtual machine ${await nameOf(tx, vmId)} is expunged`;
        await endTask(tx, withWorkflow(job), { description, expunged: true });
        await removeRows(tx, vmId);
      });
      await removeUnused(deps);
    },

    unplaceVm: (vmId) => db.transaction().execute((tx) => forgetPlace(tx, vmId)),
  };
}

/** The oldest job that waits for the machine, a start with its first steps. */
export async function nextJob(deps: ControlDeps, vmId: string): Promise<NextVmTask | undefined> {
  const { db } = deps;
  const found = await nextTask(db, vmId);
  if (found === undefined) return undefined;
  const machine = await machineFacts(db, vmId);
  if (machine === undefined) return found;
  const begun = found.ended ? undefined : await takeFirstSteps(deps, vmId, found.task);
  return { ...found, machine, ...(begun === undefined ? {} : { begun }) };
}

const withWorkflow = (job: VmJobRef) => ({
  ...job,
  workflowId: workflowId(),
});
