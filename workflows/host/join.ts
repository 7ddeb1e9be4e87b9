/** A host joins, at each start of its worker. */
import { isCancellation, log } from '@temporalio/workflow';
import type { JoinAnswer, JoinRequest } from '../../model/joining.ts';
import { receiveEndNotices } from '../end-notices.ts';
import { isFailure, messageOf, unwrapped } from '../failures.ts';
import { control, longRunningControl } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';
import { syncKeystore } from './sync-keystore.ts';

export async function join(request: JoinRequest): Promise<JoinAnswer> {
  try {
    const answer = await control(`Check who host ${request.name} is`).joinHost(request);
    show(`Host ${request.name}: ${answer.message}.`, {
      HostId: request.hostId,
      ZoneId: answer.zoneId,
      State: answer.state,
    });
    await reportLostAttempts(request);
    if (answer.state === 'Enabled' && answer.unsettled === true) await bringCertificates(request);
    return answer;
  } catch (error) {
    throw unwrapped(error);
  }
}

/**
 * Signals the deployments whose attempts died with the host's last start, so that none waits for its heartbeat time-out.
 * A hint: a failure only costs that wait.
 */
async function reportLostAttempts({ hostId, name, incarnation }: JoinRequest): Promise<void> {
  if (incarnation === undefined) return;
  await logFailure(`deployments of host ${name} wait for their time-outs`, async () => {
    const signal = longRunningControl(`Report the attempts that ended with the last start of host ${name}`);
    await signal.tellLostAttempts(hostId, incarnation);
  });
}

/**
 * Brings the certificates before the host takes a probe or a download. A failure does not undo the join: the next
 * download that needs the host, and upkeep, try again. Hosts of any release start this workflow, so that its input names
 * no rules, and those of version 1 apply.
 */
async function bringCertificates({ hostId, name }: JoinRequest): Promise<void> {
  await logFailure(`host ${name} has not taken its certificates`, async () => {
    await syncKeystore(hostId, receiveEndNotices(), timingOf('join', {}));
  });
}

async function logFailure(consequence: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFailure(error) || isCancellation(error)) throw error;
    log.warn(`${consequence}: ${messageOf(error)}`);
  }
}
