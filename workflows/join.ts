/** A host makes itself known; it does so at each start. */
import { isCancellation, log } from '@temporalio/workflow';
import type { JoinAnswer, JoinRequest } from '../model/payloads.ts';
import { bare, isFailure, messageOf } from './failures.ts';
import { control, patientControl } from './policies.ts';
import { show } from './status.ts';

export async function join(request: JoinRequest): Promise<JoinAnswer> {
  try {
    const answer = await control(`Check who host ${request.name} is`).joinHost(request);
    show(`Host ${request.name}: ${answer.message}.`, {
      HostId: request.hostId,
      ZoneId: answer.zoneId,
      State: answer.state,
    });
    if (answer.state === 'Enabled' && answer.unsettled === true) await settle(request);
    return answer;
  } catch (error) {
    throw bare(error);
  }
}

/** Before it takes a probe or a download. What fails is tried again by others; the host has joined all the same. */
async function settle({ hostId, name }: JoinRequest): Promise<void> {
  try {
    await patientControl(`Bring certificates to host ${name}`).settleKeystore(hostId);
  } catch (error) {
    if (!isFailure(error) || isCancellation(error)) throw error;
    log.warn(`host ${name} has not taken its certificates: ${messageOf(error)}`);
  }
}
