/** A job of a running machine on its host, which may be away for a while. */
import { apiCodes } from '../../model/api-codes.ts';
import type { MachineFacts } from '../../activities/control/vms.ts';
import { backoffMs } from '../../model/timing.ts';
import type { VmActivities } from '../../model/host-activities.ts';
import { endingFailure, hostFailure, isFailure } from '../failures.ts';
import { machine } from '../policies.ts';
import { show, waitVisibly } from '../status.ts';
import { failWith, reasonsOf, wakeOf } from './run.ts';
import type { VmRun } from './run.ts';

type Host = NonNullable<MachineFacts['host']>;

/**
 * Calls the host, again while it is away.
 * @throws ApplicationFailure when it stays away, or its job fails
 */
export async function callHost<T>(
  run: VmRun,
  { hostId, name: hostName }: Host,
  { what, call }: { readonly what: string; readonly call: (host: VmActivities) => Promise<T> },
): Promise<T> {
  for (let round = 0; ; round += 1) {
    show(`Host ${hostName}: ${what} ${run.name}.`, { HostId: hostId, Reason: null });
    try {
      return await call(machine(hostId, run.input.timing, `${what} ${run.name} on host ${hostName}`));
    } catch (error) {
      if (!isFailure(error)) throw error;
      const failure = hostFailure(error, { hostId, hostName });
      if (failure.kind !== 'HostGone' || round >= run.input.timing.mostHostRounds)
        throw endingFailure(failure);
      const ms = backoffMs(run.input.timing.hostWait, round);
      await waitVisibly({ word: failure.kind, ...reasonsOf(failure), ms }, wakeOf(run));
    }
  }
}

/** The host of a machine that must have one. @throws ApplicationFailure */
export function hostOf(run: VmRun, { host }: MachineFacts): Host {
  if (host !== undefined) return host;
  throw failWith({ code: apiCodes.unavailable, text: `No host has ${run.name}`, kind: 'NoHost' });
}
