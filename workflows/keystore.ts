/**
 * The keystore of one host is brought to what it is to hold. Its workflow id is the lock: whoever wants it meanwhile
 * has it look again. A host that cannot be reached is left for later: for its joining, for the next download that
 * needs it, and for the upkeep.
 */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import { describeFailure } from '../model/failures.ts';
import { WANTED_SIGNAL } from '../model/names.ts';
import type { KeystoreInput, KeystoreOutcome } from '../model/certificate-jobs.ts';
import { hostFailure, isFailure } from './failures.ts';
import { control, quick } from './policies.ts';
import { show } from './status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

const TAKE_MS = 5000;
const RUN_MS = 60_000;
/** Looks of one run at what the host is to hold, while that changes. */
const MOST_LOOKS = 50;

export async function keystore({ hostId }: KeystoreInput): Promise<KeystoreOutcome> {
  let wanted = 0;
  setHandler(wantedSignal, () => {
    wanted += 1;
  });
  for (let looks = 1; ; looks += 1) {
    const served = wanted;
    const outcome = await bring(hostId);
    if (wanted === served || looks >= MOST_LOOKS) {
      show(outcome.problem ?? 'The host has the certificates that it is to have.', {
        State: outcome.settled ? 'Ready' : 'Failed',
      });
      return outcome;
    }
  }
}

async function bring(hostId: string): Promise<KeystoreOutcome> {
  const { hostName, ...plan } = await control('What the host is to hold').planKeystore(hostId);
  if (plan.job === undefined) return { v: 1, settled: false, problem: plan.reason };
  show(`Bringing ${plan.job.certificates.length} certificates to host ${hostName}.`, { State: 'Importing' });
  try {
    const host = quick(hostId, { summary: `Keystore of host ${hostName}`, takeMs: TAKE_MS, runMs: RUN_MS });
    const result = await host.syncCertificates(plan.job);
    return await control('Record what the host read back').recordKeystore(result);
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
    const problem = describeFailure(hostFailure(error, hostName));
    await control('Record why it has not').recordKeystoreFailure(hostId, problem);
    return { v: 1, settled: false, problem };
  }
}
