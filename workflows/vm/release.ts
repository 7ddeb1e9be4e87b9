/**
 * The release of a machine by the host that has, or may have, its domain: the step without which no other host may define
 * the domain, and no disk may be removed. A host that does not answer may still run the domain, so that there is nothing
 * to do but wait, until it is back or an administrator has removed it.
 */
import type { Release, Removes } from '../../activities/control/vms.ts';
import { describeFailure } from '../../model/failures.ts';
import { backoffMs } from '../../model/timing.ts';
import { hostFailure, isFailure } from '../failures.ts';
import { control, machine } from '../policies.ts';
import { show, waitVisibly } from '../status.ts';
import { continueIfLong, wakeOf } from './run.ts';
import type { VmPlace, VmRun } from './run.ts';

/** Why no host has confirmed, for administrators and for every user. */
interface Unconfirmed {
  readonly reason: string;
  readonly publicReason: string;
}

/**
 * Waits until no host has the machine any more, and the disks are removed.
 * @param heed called after each wait; what it throws ends the wait
 */
export async function releaseSurely(
  run: VmRun,
  removes: Removes,
  heed: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (let round = 0; ; round += 1) {
    const problem = await tryRelease(run, removes);
    if (problem === undefined) return;
    const ms = backoffMs(run.input.timing.hostWait, round);
    await control('Note why it waits').noteVm(run.input.vmId, 'place', problem.publicReason);
    await waitVisibly({ word: 'HostUnconfirmed', ...problem, ms }, wakeOf(run));
    await heed();
    await continueIfLong(run);
  }
}

/** @returns why a host did not confirm; undefined when no host has the machine any more */
export async function tryRelease(run: VmPlace, removes: Removes): Promise<Unconfirmed | undefined> {
  const { vmId } = run.input;
  for (;;) {
    const plan = await control('See which host may have the machine').planVmRelease(vmId, removes);
    if (plan === undefined) return undefined;
    const problem = plan.job === undefined ? plan : await releaseOn(run, plan);
    if (problem !== undefined) return problem;
  }
}

async function releaseOn(
  { input, name }: VmPlace,
  { hostId, hostName, job }: Release,
): Promise<Unconfirmed | undefined> {
  show(`Host ${hostName} is to confirm that it does not have ${name}.`, { HostId: hostId });
  try {
    const result = await machine(hostId, input.timing, `Release ${name} on host ${hostName}`).releaseVm(job);
    const removed = job.remove.map(({ volumeId }) => volumeId);
    await control('Record that the host does not have the machine').recordVmReleased(result, removed);
    return undefined;
  } catch (error) {
    if (!isFailure(error)) throw error;
    const failure = hostFailure(error, { hostId, hostName });
    return {
      reason: `host ${hostName} may still run ${name}; bring it back, or remove it: ${describeFailure(failure)}`,
      publicReason: `the host that has ${name} has not confirmed that it does not run there: ${describeFailure(failure)}`,
    };
  }
}
