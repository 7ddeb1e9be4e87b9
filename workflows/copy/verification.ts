/**
 * Verifies a copy anew, because another host got wrong bytes from it, or because it is time: its host computes the SHA-256 of the file. A copy that
 * differs from what was recorded is marked as damaged, and healed if no virtual machine runs on it (db/copies/healing.ts). A host that does not
 * answer is asked again for some hours.
 */
import { condition, uuid4 } from '@temporalio/workflow';
import type { HashResult, VerificationInput, VerificationResult } from '../../model/verification.ts';
import { backoffMs } from '../../model/timing.ts';
import { isFailure, messageOf } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

export async function verification(input: VerificationInput): Promise<VerificationResult> {
  const { templateId, poolId, hostId, hostName } = input;
  const copy = { templateId, poolId };
  const doubted = await control('Look at the copy').copyToVerify(copy);
  if (doubted === undefined) return { v: 1, outcome: 'gone' };
  const { copyId, templateName, poolName } = doubted;
  const what = `${templateName} on pool ${poolName}`;
  show(`Host ${hostName} verifies ${what}.`, { HostId: hostId, State: 'Verifying' });
  const found = await hashOn(input, copyId);
  if (found === undefined) {
    show(`Host ${hostName} did not verify ${what}.`, { State: 'Later' });
    return { v: 1, outcome: 'unknown' };
  }
  const ending = { copy, outcomeId: uuid4() };
  const { isRight } = await control('Record the verification').recordVerification(ending, copyId, found);
  show(isRight ? `${what} is as it was recorded.` : `${what} is damaged.`, {
    State: isRight ? 'Ready' : 'Failed',
  });
  return { v: 1, outcome: isRight ? 'right' : 'wrong' };
}

async function hashOn(input: VerificationInput, copyId: string): Promise<HashResult | undefined> {
  const { hostId, hostName, poolId, bytesPerSecond } = input;
  const { again, mostTries, ...times } = timingOf('verification', input);
  for (let round = 0; round < mostTries; round += 1) {
    try {
      const host = quick(hostId, { summary: `Compute the SHA-256 on host ${hostName}`, ...times });
      const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
      return await host.hashCopy({ v: 1, poolId, copyId, ...pace });
    } catch (error) {
      if (!isFailure(error)) throw error;
      show(`Host ${hostName} is asked again: ${messageOf(error)}.`, { State: 'Waiting' });
      await condition(() => false, backoffMs(again, round));
    }
  }
  return undefined;
}
