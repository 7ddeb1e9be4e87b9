/** The control side of starts: place, images, the job for the host, its result. */
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { awaitCopy, copyOutcome, forgetWait } from '../../db/vms/copies.ts';
import type { CopyOutcome } from '../../db/vms/copies.ts';
import { place } from '../../db/vms/placement.ts';
import type { Placement, PlacementRequest } from '../../db/vms/placement.ts';
import { recordStarted } from '../../db/vms/states.ts';
import { endTask } from '../../db/vms/tasks.ts';
import type { ReceivedAnswer } from '../../model/answer.ts';
import type { NamedHost } from '../../model/failures.ts';
import { CURRENT_TIMING } from '../../model/rules/released.ts';
import type { StartVmResult } from '../../model/vm-payloads.ts';
import type { CopyNames } from '../../orchestration/orchestration.ts';
import { workflowId } from '../context.ts';
import { acceptResult, readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';
import { planStart } from './vm-first-steps.ts';
import type { PlannedStart } from './vm-first-steps.ts';
import { nextJob } from './vms.ts';
import type { NextVmTask, VmJobRef } from './vms.ts';

export type { CopyOutcome } from '../../db/vms/copies.ts';
export type { Placement, PlacementRequest } from '../../db/vms/placement.ts';
export type { PlannedStart } from './vm-first-steps.ts';

export interface VmStartActivities {
  /** Chooses host and pool, and reserves what the machine needs there. */
  placeVm(request: PlacementRequest): Promise<Placement>;
  /** Requests a copy, before prefetches. Its workflow signals the first callers at its end. @param jobId a new UUID */
  requestVmCopy(
    copy: CopyUuids,
    wait: { readonly vmId: string; readonly jobId: string },
    names: CopyNames,
  ): Promise<void>;
  /** How far the copy is. @param jobId by which it was requested */
  vmCopyOutcome(copy: CopyUuids, jobId?: string): Promise<CopyOutcome>;
  /** Ends the wait for a copy. */
  forgetVmCopy(jobId: string): Promise<void>;
  /** The start as a job for the machine's host. Secrets are sealed for it. */
  planVmStart(vmId: string): Promise<PlannedStart>;
  /** Records that the machine runs, and ends the job. */
  recordVmStarted(result: StartVmResult, job: VmJobRef, hostName: string): Promise<void>;
  /**
   * Verifies the host's answer to a start, records that the machine runs, ends the job, and looks for the next one.
   * @throws ApplicationFailure as `acceptAnswer`; then nothing is recorded
   */
  finishVmStart(answer: ReceivedAnswer, job: VmJobRef): Promise<NextVmTask | undefined>;
}

/** In the hosts' order of downloads: before what only prepares. */
const PRIORITY = 1;

export function createVmStartActivities(deps: ControlDeps): VmStartActivities {
  const { db, orchestration } = deps;
  const finish = (result: StartVmResult, host: NamedHost, job: VmJobRef): Promise<void> =>
    db.transaction().execute(async (tx) => {
      const description = `Virtual machine ${await recordStarted(tx, result)} runs`;
      await endTask(tx, { ...job, workflowId: workflowId() }, { description, host });
    });
  return {
    placeVm: (request) => place(db, request),

    async requestVmCopy(copy, wait, names) {
      const others = await awaitCopy(db, copy, wait);
      await orchestration.requestDeployment(copy, {
        names,
        listener: workflowId(),
        priority: PRIORITY,
        // The first one raises the priority; when the deployment has all listeners that it takes, a signal changes nothing.
        awaited: others >= CURRENT_TIMING.copy.mostListeners,
      });
    },

    async vmCopyOutcome(copy, jobId) {
      const outcome = await copyOutcome(db, copy, jobId);
      if (outcome.state === 'ready' && jobId !== undefined) await forgetWait(db, jobId);
      return outcome;
    },

    async forgetVmCopy(jobId) {
      await forgetWait(db, jobId);
    },

    planVmStart: (vmId) => planStart(deps, vmId),

    async recordVmStarted(answer, job, hostName) {
      const result = await readSigned(db, ['startVm'], answer);
      await finish(result, { id: result.hostId, name: hostName }, job);
    },

    async finishVmStart(answer, job) {
      const { result, host } = await acceptResult(db, 'startVm', answer);
      await finish(result, host, job);
      return nextJob(deps, job.vmId);
    },
  };
}
