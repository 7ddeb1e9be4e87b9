/**
 * Tells a host what was set for it. One at a time: what is set meanwhile is told after that. A host that does not
 * answer hears of it when it joins, or when upkeep asks it for its report.
 */
import { defineSignal, setHandler } from '@temporalio/workflow';
import { WANTED_SIGNAL } from '../model/names.ts';
import type { HostLimitsInput, HostLimitsResult } from '../model/payloads.ts';
import { isFailure, messageOf } from './failures.ts';
import { control } from './policies.ts';
import { show } from './status.ts';
import { tellLimits } from './telling-limits.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function hostLimits({ hostId }: HostLimitsInput): Promise<HostLimitsResult> {
  let wanted = 0;
  setHandler(wantedSignal, () => {
    wanted += 1;
  });
  let told = false;
  for (let served = -1; served < wanted;) {
    served = wanted;
    const set = await control('What is set for the host').hostLimitsOf(hostId);
    if (set === undefined) return { v: 1, told: false };
    const { name, limits } = set;
    try {
      await tellLimits({ hostId, name }, limits);
      told = true;
      show(`Host ${name} has its limits.`, { HostId: hostId, State: 'Told' });
    } catch (error) {
      if (!isFailure(error)) throw error;
      told = false;
      show(`Host ${name} will hear of its limits when it is back: ${messageOf(error)}.`, {
        HostId: hostId,
        State: 'Later',
      });
    }
  }
  return { v: 1, told };
}
