/**
 * A restored machine begins anew: its disk is removed, another one is made on the image, and the guest's first boot data get a
 * new instance id. The old disk goes only when it is certain that a new one can be made: while the image can be had.
 */
import type { MachineFacts } from '../../activities/control/vms.ts';
import { control } from '../policies.ts';
import { releaseSurely } from './release.ts';
import { jobOf } from './run.ts';
import type { VmRun } from './run.ts';
import { start } from './start.ts';
import { shutDown } from './stop.ts';

export async function restore(run: VmRun, machine: MachineFacts): Promise<void> {
  const { vmId } = run.input;
  const { templateId } = run.task;
  await control('See whether the image can be had').checkVmRestore(vmId, templateId);
  // A start of this job was under way when the run continued as new, or the machine ran.
  const runs = machine.state === 'Running' || machine.state === 'Starting';
  // What the guest would still write is thrown away.
  if (machine.state === 'Running') await shutDown(run, machine, true);
  await releaseSurely(run, 'disks');
  await control('Renew the disk').renewVmDisk(vmId, templateId);
  if (runs) return start(run, { ...machine, state: 'Stopped' });
  await control('End the job').completeVmTask(jobOf(run), `Virtual machine ${run.name} was restored`);
}
