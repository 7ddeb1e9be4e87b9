/**
 * Brings an image onto the pool of a machine. The machine is one more caller of the copy's own workflow, and waits here: for
 * the signal that the copy's workflow sends at its end, and for a timer, after which the database is read again.
 */
import { uuid4 } from '@temporalio/workflow';
import type { Placement } from '../../activities/control/vm-starts.ts';
import type { JobError } from '../../activities/control/vms.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { backoffMs } from '../../model/timing.ts';
import { control } from '../policies.ts';
import { waitVisibly } from '../status.ts';
import { continueIfLong, heedOtherJobs } from './run.ts';
import type { VmRun } from './run.ts';

type Placed = Extract<Placement, { readonly outcome: 'placed' }>;

/** An image that must be on a pool. */
export interface WantedCopy {
  readonly templateId: string;
  readonly name: string;
  readonly poolId: string;
  readonly poolName: string;
}

/** Brings the images that a placed machine lacks. @returns the failure of one of them */
export async function bringImages(
  run: VmRun,
  { images, poolId, poolName }: Placed,
): Promise<JobError | undefined> {
  for (const { templateId, name, ready } of images) {
    if (ready) continue;
    const failed = await bringCopy(run, { templateId, name, poolId, poolName });
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** @throws ApplicationFailure Cancelled when another job ends the start */
export async function bringCopy(run: VmRun, copy: WantedCopy): Promise<JobError | undefined> {
  const { templateId, poolId, name, poolName } = copy;
  const { vmId } = run.input;
  const workflowId = copyWorkflowId(templateId, poolId);
  const { copies } = run.signals;
  const uuids = { templateId, poolId };
  let jobId: string | undefined;
  try {
    for (let round = 0; ; round += 1) {
      const look = control(`See whether pool ${poolName} has ${name}`);
      const outcome = await look.vmCopyOutcome(uuids, jobId);
      if (outcome.state === 'ready') jobId = undefined;
      if (outcome.state === 'ready') return undefined;
      if (outcome.state === 'failed') return outcome.error;
      if (outcome.state === 'absent') {
        copies.forget(workflowId);
        jobId = uuid4();
        const names = { template: name, pool: poolName };
        await control(`Request ${name} on pool ${poolName}`).requestVmCopy(uuids, { vmId, jobId }, names);
      }
      const wantedBefore = run.signals.wanted;
      await waitVisibly(
        {
          word: 'Copy',
          reason: `${name} is on its way to pool ${poolName}: see workflow ${workflowId}`,
          ms: backoffMs(run.input.timing.copyWait, round),
        },
        () => copies.hasEnded(workflowId) || run.signals.cancelled || run.signals.wanted > wantedBefore,
      );
      copies.forget(workflowId);
      await heedOtherJobs(run);
      await continueIfLong(run);
    }
  } finally {
    if (jobId !== undefined) await control('Wait for the copy no more').forgetVmCopy(jobId);
  }
}
