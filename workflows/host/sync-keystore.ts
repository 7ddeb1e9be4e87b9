/** Requests the keystore workflow of a host, and waits for its end. */
import type { KeystoreOutcome } from '../../model/certificate-jobs.ts';
import { keystoreWorkflowId } from '../../model/names.ts';
import { backoffMs } from '../../model/timing.ts';
import type { JoinTiming } from '../../model/timing.ts';
import type { EndNotices } from '../end-notices.ts';
import { control } from '../policies.ts';

export async function syncKeystore(
  hostId: string,
  notices: EndNotices,
  { lookAgain }: JoinTiming,
): Promise<KeystoreOutcome> {
  const workflowId = keystoreWorkflowId(hostId);
  notices.forget(workflowId);
  await control(`Bring certificates to host ${hostId}`).requestKeystore(hostId);
  for (let round = 0; ; round += 1) {
    const notified = await notices.waitForAll([workflowId], backoffMs(lookAgain, round));
    const look = control(`See whether host ${hostId} has its certificates`);
    const { running, ...outcome } = await look.keystoreOutcome(hostId);
    if (notified || !running) return outcome;
  }
}
