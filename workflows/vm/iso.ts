/**
 * The CD-ROM drive. An ISO is brought to the machine's pool by the copy's own workflow, before the row says that it is attached
 * and the host puts it into the drive; from the row on, its copy is in use, and cannot be removed. For a stopped
 * machine only the row changes: the next start brings the ISO.
 */
import type { MachineFacts } from '../../activities/control/vms.ts';
import { control } from '../policies.ts';
import { callHost, hostOf } from './call-host.ts';
import { bringCopy } from './copy.ts';
import { failWith, jobOf } from './run.ts';
import type { VmRun } from './run.ts';
import { isFailure } from '../failures.ts';

export async function attachIso(run: VmRun, machine: MachineFacts): Promise<void> {
  const { vmId } = run.input;
  const isoId = run.task.templateId ?? '';
  const { isoId: before } = machine;
  if (machine.state !== 'Running') await control('Attach the ISO').setVmIso(vmId, isoId);
  else {
    await bringIso(run, isoId);
    try {
      await changeDrive(run, machine, isoId);
    } catch (error) {
      if (isFailure(error)) await control('Attach what was attached before').setVmIso(vmId, before ?? null);
      throw error;
    }
  }
  await control('End the job').completeVmTask(jobOf(run), `The ISO is attached to ${run.name}`);
}

/** Waits until the ISO is on the machine's pool, and attached by its row. */
async function bringIso(run: VmRun, isoId: string): Promise<void> {
  const { vmId } = run.input;
  for (;;) {
    const wanted = await control('See where the ISO must be').vmIsoPlace(vmId, isoId);
    const failed = await bringCopy(run, { ...wanted, templateId: isoId });
    if (failed !== undefined) throw failWith(failed);
    // False: the copy is being removed again.
    if (await control('Attach the ISO').setVmIso(vmId, isoId)) return;
  }
}

export async function detachIso(run: VmRun, machine: MachineFacts): Promise<void> {
  if (machine.state === 'Running') await changeDrive(run, machine);
  await control('Detach the ISO').setVmIso(run.input.vmId, null);
  await control('End the job').completeVmTask(jobOf(run), `The ISO is detached from ${run.name}`);
}

async function changeDrive(run: VmRun, machine: MachineFacts, isoId?: string): Promise<void> {
  const { vmId } = run.input;
  const job = await control('Prepare the change of the drive').planVmIso(vmId, isoId ?? null);
  const forced = run.task.forced === true;
  await callHost(run, hostOf(run, machine), {
    what: isoId === undefined ? 'Take the ISO out of' : 'Put the ISO into',
    call: (host) => host.changeIso({ ...job, forced }),
  });
}
