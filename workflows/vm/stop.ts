/**
 * Stops and reboots. A guest is asked by ACPI, and stopped by force when it has not stopped in time, or at once where the
 * job says so. The domain stays defined on its host, so that a start there needs nothing else.
 */
import type { MachineFacts } from '../../activities/control/vms.ts';
import { control } from '../policies.ts';
import { show } from '../status.ts';
import { callHost, hostOf } from './call-host.ts';
import { jobOf } from './run.ts';
import type { VmRun } from './run.ts';

/** A machine that is stopped already stays so, unless it may run on a host that was lost. */
export async function stop(run: VmRun, machine: MachineFacts): Promise<void> {
  await shutDown(run, machine, run.task.forced === true);
  await control('End the job').completeVmTask(jobOf(run), `Virtual machine ${run.name} is stopped`);
}

export async function shutDown(run: VmRun, machine: MachineFacts, forced: boolean): Promise<void> {
  const isStopped = machine.state === 'Stopped' && machine.mayRun !== true;
  if (isStopped || machine.state === 'Error') return;
  const { vmId } = run.input;
  const { shutdownMs: patienceMs } = run.input.timing;
  await control('Record that the machine is stopping').beginVmStop(vmId);
  const result =
    machine.host === undefined
      ? undefined
      : await callHost(run, machine.host, {
          what: 'Stop',
          call: (host) => host.stopVm({ v: 1, vmId, forced, patienceMs }),
        });
  await control('Record that the machine is stopped').recordVmStopped(vmId, result);
  show(`${run.name} is stopped.`, { State: 'Stopped', Reason: null });
}

export async function reboot(run: VmRun, machine: MachineFacts): Promise<void> {
  const { vmId } = run.input;
  const forced = run.task.forced === true;
  const { shutdownMs: patienceMs } = run.input.timing;
  await callHost(run, hostOf(run, machine), {
    what: 'Reboot',
    call: (host) => host.rebootVm({ v: 1, vmId, forced, patienceMs }),
  });
  await control('End the job').completeVmTask(jobOf(run), `Virtual machine ${run.name} was rebooted`);
}
