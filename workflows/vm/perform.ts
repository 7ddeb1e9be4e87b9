/** Performs a job of a machine, and ends it with its result or its failure. */
import type { MachineFacts } from '../../activities/control/vms.ts';
import type { VmCommand } from '../../model/vm-payloads.ts';
import { isFailure, kindOf, messageOf } from '../failures.ts';
import { control } from '../policies.ts';
import { show } from '../status.ts';
import { attachIso, detachIso } from './iso.ts';
import { destroy, expunge } from './remove.ts';
import { restore } from './restore.ts';
import { errorOf, jobOf, wasEnded } from './run.ts';
import type { Look, VmRun } from './run.ts';
import { start } from './start.ts';
import { reboot, stop } from './stop.ts';

/** @returns the look for the next job, if the end of this one had it */
export async function perform(run: VmRun, machine: MachineFacts): Promise<Look | undefined> {
  const { command } = run.task;
  try {
    return (await JOBS[command](run, machine)) ?? undefined;
  } catch (error) {
    if (!isFailure(error)) throw error;
    const reason = { error: errorOf(error), ended: wasEnded(error) };
    const state = await control('End the job with the failure').failVmTask(jobOf(run), reason);
    show(`${command} of ${run.name} failed: ${messageOf(error)}`, {
      State: state ?? null,
      Reason: kindOf(error),
    });
    return undefined;
  }
}

type Perform = (run: VmRun, machine: MachineFacts) => Promise<Look | void>;

const JOBS: Readonly<Record<VmCommand, Perform>> = {
  deployVirtualMachine: deploy,
  startVirtualMachine: start,
  stopVirtualMachine: stop,
  rebootVirtualMachine: (run, machine) => (run.task.renew === true ? restore : reboot)(run, machine),
  destroyVirtualMachine: destroy,
  expungeVirtualMachine: expunge,
  restoreVirtualMachine: restore,
  attachIso,
  detachIso,
};

/** A machine that is deployed without a start has only its rows until its first start. */
function deploy(run: VmRun, machine: MachineFacts): Promise<Look | void> {
  if (run.task.start !== false) return start(run, machine);
  return control('End the job').completeVmTask(jobOf(run), `Virtual machine ${run.name} is made`);
}
