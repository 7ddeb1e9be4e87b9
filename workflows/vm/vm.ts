/**
 * All of a virtual machine's life. The workflow id is the lock (model/names.ts, `vmWorkflowId`): whatever is done to the
 * machine's domain and disks is done here, by one job at a time. Jobs wait in the database, and the oldest is next; a signal
 * means that there may be one more. The run ends when no job waits, and no signal came since it looked.
 *
 * States of the machine, as the database has them:
 *
 *   Stopped, Error  → Starting    a start (start.ts)
 *   Starting        → Running     its host has the domain running
 *   Starting        → Error       the start failed, and there was no disk before; else → Stopped
 *   Running         → Stopping → Stopped            a stop (stop.ts); also libvirt's own report (host/domains.ts)
 *   Stopped         shown as Unknown while its host was lost during a start, and has not reported since
 *   Stopped         → Destroyed → Expunging → gone  remove.ts; Destroyed → Stopped again by recoverVirtualMachine
 *
 * `vm_instance.host_id` names the host that has, or may have, the domain. It is set before that host is called, and cleared
 * only when that host has confirmed that it has none (`releaseVm`), or an administrator removed the host.
 *
 * What must never happen: two hosts that may have the domain; a job that gets no end; a disk that is removed while a domain
 * may use it; a file that is forgotten, since `pool_id` of its volume was cleared while it may exist.
 */
import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, patched, workflowInfo } from '@temporalio/workflow';
import type { JobError, NextVmTask } from '../../activities/control/vms.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { workflowTypes } from '../../model/names.ts';
import { backoffMs } from '../../model/timing.ts';
import type { VmInput, VmResult } from '../../model/vm-payloads.ts';
import { vmTimingOf } from '../../model/vm-timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { localControl, control as ordinaryControl } from '../policies.ts';
import { show, waitVisibly } from '../status.ts';
import { perform } from './perform.ts';
import { tryRelease } from './release.ts';
import { receiveVmSignals, wakeOf } from './run.ts';
import type { Look, VmPlace, VmSignals } from './run.ts';

export async function vm(given: VmInput): Promise<VmResult> {
  const input = { ...given, timing: vmTimingOf(given.timing) };
  const signals = receiveVmSignals();
  const endsInTask = patched('vm-end-in-task');
  const run = { input, signals, endsInTask };
  // Done twice, when the task is done twice, it finds what it did the first time.
  const control = endsInTask || patched('vm-look-in-task') ? localControl : ordinaryControl;
  const look = async (): Promise<Look> => {
    const served = signals.wanted;
    return { served, next: await control('Look for the next job').nextVmTask(input.vmId) };
  };
  return CancellationScope.nonCancellable(async () => {
    let jobs = 0;
    let looked: Look | undefined;
    for (let round = 0; ; round += 1) {
      const { served, next } = looked ?? (await look());
      looked = undefined;
      if (next?.task !== undefined) {
        looked = await performNext(run, served, next);
        jobs += 1;
        round = 0;
      } else if (next !== undefined && !signals.cancelled) {
        await clearLeftover({ ...run, name: next.machine.name }, round);
      } else if (signals.wanted === served) return conclude(jobs, signals);
      if (workflowInfo().continueAsNewSuggested) await continueAs(workflowTypes.vm, input);
    }
  });
}

/** Tries once to clear what a failed deployment left on its host; waits when the host does not answer, until a job comes. */
async function clearLeftover(where: VmPlace, round: number): Promise<void> {
  const problem = await tryRelease(where, 'unready');
  if (problem === undefined) return;
  const ms = backoffMs(where.input.timing.hostWait, round);
  await waitVisibly({ word: 'HostUnconfirmed', ...problem, ms }, wakeOf(where));
}

/** @returns the look for the next job, if one was had */
async function performNext(
  where: Omit<VmPlace, 'name'>,
  served: number,
  { task, machine, ended, begun }: NextVmTask,
): Promise<Look | undefined> {
  const { vmId } = where.input;
  if (machine === undefined) {
    const job = { vmId, jobId: task.jobId, command: task.command };
    await ordinaryControl('End the job').failVmTask(job, { error: GONE, ended: false });
    return undefined;
  }
  const { name, state, zoneId } = machine;
  if (begun?.start === undefined)
    show(`${task.command} of ${name}, for ${task.by}.`, { State: state, ZoneId: zoneId });
  const heeded = ended ? -1 : served;
  return perform({ ...where, task, name, heeded, ...(begun === undefined ? {} : { begun }) }, machine);
}

const GONE: JobError = {
  code: apiCodes.parameter,
  text: 'The virtual machine does not exist any more',
  kind: 'NotPossible',
};

function conclude(jobs: number, { cancelled }: VmSignals): VmResult {
  if (cancelled) throw new CancelledFailure('Cancelled in Temporal');
  return { v: 1, jobs };
}
