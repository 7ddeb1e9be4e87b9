/** A host makes itself known; it does so at each start. */
import type { JoinAnswer, JoinRequest } from '../model/payloads.ts';
import { bare } from './failures.ts';
import { control } from './policies.ts';
import { show } from './status.ts';

export async function join(request: JoinRequest): Promise<JoinAnswer> {
  try {
    const answer = await control(`Check who host ${request.name} is`).joinHost(request);
    show(`Host ${request.name}: ${answer.message}.`, {
      HostId: request.hostId,
      ZoneId: answer.zoneId,
      State: answer.state,
    });
    return answer;
  } catch (error) {
    throw bare(error);
  }
}
