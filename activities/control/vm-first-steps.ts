/**
 * The first steps of a start, which are taken with the look for its job: the place, and where the pool has all images, the job
 * for the host. So a start whose image is there needs one step of the control side before its host, and one after it.
 */
import { place } from '../../db/vms/placement.ts';
import type { Placement } from '../../db/vms/placement.ts';
import { beginStart } from '../../db/vms/start-facts.ts';
import { openVmSecrets, sealVncPassword } from '../../db/vms/secrets.ts';
import type { StartVmJob, VmTask } from '../../model/vm-payloads.ts';
import { sealVmSecrets } from '../../trust/sealing.ts';
import type { ControlDeps } from './deps.ts';
import { isFinal } from './final-errors.ts';

/** A start, addressed to the host of the machine. */
export interface PlannedStart {
  readonly hostId: string;
  readonly hostName: string;
  readonly job: StartVmJob;
}

/** What is done of a start. */
export interface FirstSteps {
  readonly placement: Placement;
  /** Absent while an image is missing on the pool. */
  readonly start?: PlannedStart;
}

/** @returns undefined for jobs that are no start, and where a step is not possible: the step itself then says why */
export async function takeFirstSteps(
  deps: ControlDeps,
  vmId: string,
  task: VmTask,
): Promise<FirstSteps | undefined> {
  if (!startsAtOnce(task)) return undefined;
  const { hostId } = task;
  const request = { vmId, ...(hostId === undefined ? {} : { hostId }), excludedHosts: [], excludedPools: [] };
  const placement = await ifPossible(place(deps.db, request));
  if (placement === undefined) return undefined;
  if (placement.outcome !== 'placed' || !placement.images.every(({ ready }) => ready)) return { placement };
  const start = await ifPossible(planStart(deps, vmId));
  return { placement, ...(start === undefined ? {} : { start }) };
}

const startsAtOnce = ({ command, start }: VmTask): boolean =>
  command === 'startVirtualMachine' || (command === 'deployVirtualMachine' && start !== false);

async function ifPossible<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (isFinal(error)) return undefined;
    throw error;
  }
}

/** The start of a placed machine as a job for its host; counts it. @throws NotPossible */
export async function planStart(deps: ControlDeps, vmId: string): Promise<PlannedStart> {
  const { db, masterKey } = deps;
  // For each start: who knew the password of the last one gets no further.
  const vncPassword = await sealVncPassword(masterKey, vmId);
  const { job, host, ...sealed } = await db.transaction().execute((tx) => beginStart(tx, vmId, vncPassword));
  const secrets = await openVmSecrets(masterKey, vmId, sealed);
  const { hostId, name: hostName, sealingKey } = host;
  return {
    hostId,
    hostName,
    job: { ...job, sealed: await sealVmSecrets(sealingKey, secrets, { vmId, hostId }) },
  };
}
