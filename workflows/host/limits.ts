/**
 * Sends a host the limits that are set for it, one revision at a time: a revision that is set meanwhile follows. A host
 * that does not answer gets its limits when it joins, or when upkeep asks for its report.
 */
import { defineSignal, setHandler } from '@temporalio/workflow';
import { WANTED_SIGNAL } from '../../model/names.ts';
import type { HostLimitsInput, HostLimitsResult } from '../../model/payloads.ts';
import { isFailure, messageOf } from '../failures.ts';
import { control } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';
import { pushLimits } from './push-limits.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function hostLimits(input: HostLimitsInput): Promise<HostLimitsResult> {
  const { hostId } = input;
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  let told = false;
  for (let served = -1; served < requested;) {
    served = requested;
    const set = await control('Read the limits of the host').hostLimitsOf(hostId);
    if (set === undefined) return { v: 1, told: false };
    const { name, limits } = set;
    try {
      await pushLimits({ hostId, name }, limits, timingOf('limits', input));
      told = true;
      show(`Host ${name} has its limits.`, { HostId: hostId, State: 'Told' });
    } catch (error) {
      if (!isFailure(error)) throw error;
      told = false;
      show(`Host ${name} gets its limits when it is back: ${messageOf(error)}.`, {
        HostId: hostId,
        State: 'Later',
      });
    }
  }
  return { v: 1, told };
}
