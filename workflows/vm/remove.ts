/**
 * Destroyed machines keep their disks, and can be recovered; expunged ones are gone. A machine is expunged only after every
 * host that may have its domain has confirmed that it has none, and its disks are removed: that waits for the host for as
 * long as it takes. The last machine on a copy of a deleted image takes the copy along.
 */
import type { MachineFacts } from '../../activities/control/vms.ts';
import { control } from '../policies.ts';
import { show } from '../status.ts';
import { releaseSurely, tryRelease } from './release.ts';
import { jobOf } from './run.ts';
import type { VmRun } from './run.ts';
import { shutDown } from './stop.ts';

export async function destroy(run: VmRun, machine: MachineFacts): Promise<void> {
  // A machine whose deployment failed has nothing to recover.
  if (run.task.expunge === true || machine.state === 'Error') return expunge(run);
  if (machine.state !== 'Destroyed' && machine.state !== 'Expunging') {
    await shutDown(run, machine, run.task.forced === true);
    // A host that cannot be reached has a domain that does not run; the expunge releases it.
    await tryRelease(run, 'unready');
  }
  await control('Record that the machine is destroyed').recordVmDestroyed(jobOf(run));
  show(`${run.name} is destroyed.`, { State: 'Destroyed', Reason: null });
}

export async function expunge(run: VmRun): Promise<void> {
  await control('Record that the machine is being expunged').beginVmExpunge(run.input.vmId);
  show(`${run.name} is being expunged.`, { State: 'Expunging', Reason: null });
  await releaseSurely(run, 'all');
  await control('Remove the rows, end the job').finishVmExpunge(jobOf(run));
  show(`${run.name} is gone.`, { State: 'Removed', Reason: null });
}
