/**
 * A restored machine, or a volatile one that reboots, gets a new disk, and its guest's first boot data a new instance id. The
 * old disk is removed only while the image is available, so that a new disk can be made.
 */
import type { MachineFacts } from '../../activities/control/vms.ts';
import { control } from '../policies.ts';
import { releaseSurely } from './release.ts';
import { jobOf } from './run.ts';
import type { Look, VmRun } from './run.ts';
import { start } from './start.ts';
import { shutDown } from './stop.ts';

/** @returns as `start` */
export async function restore(run: VmRun, machine: MachineFacts): Promise<Look | undefined> {
  const { vmId } = run.input;
  const { templateId, size, diskOfferingId } = run.task;
  await control('See whether the image can be had').checkVmRestore(vmId, templateId);
  // A start of this job was under way when the run continued as new, or the machine ran.
  const runs = machine.state === 'Running' || machine.state === 'Starting';
  // By force: what the guest would still write is lost with the disk.
  if (machine.state === 'Running') await shutDown(run, machine, true);
  await releaseSurely(run, 'disks');
  await control('Renew the disk').renewVmDisk(vmId, { templateId, size, diskOfferingId });
  if (runs) return start(run, { ...machine, state: 'Stopped' });
  await control('End the job').completeVmTask(jobOf(run), `Virtual machine ${run.name} was restored`);
  return undefined;
}
