/**
 * Brings the keystore of one host to the certificates that the database lists for it. The workflow id is the lock: a
 * request that comes meanwhile makes this run compare once more. A host that cannot be reached is left for later: its
 * next join, the next download that needs the host, and upkeep request this workflow again.
 */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import { describeFailureWithHost } from '../../model/failures.ts';
import { keystoreRequest } from '../../model/messages/runs.ts';
import { read } from '../../model/messages/schema.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import type { KeystoreInput, KeystoreOutcome, KeystoreRequest } from '../../model/certificate-jobs.ts';
import type { KeystoreTiming } from '../../model/timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { EndListeners } from '../end-notices.ts';
import { hostFailure, isFailure } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal<[KeystoreRequest?]>(WANTED_SIGNAL);

export async function keystore({ listeners: carried, ...input }: KeystoreInput): Promise<KeystoreOutcome> {
  const { hostId } = input;
  const timing = timingOf('keystore', input);
  let requested = 0;
  const listeners = new EndListeners(timing.mostListeners, carried);
  setHandler(wantedSignal, (request) => {
    requested += 1;
    listeners.add(read(keystoreRequest, request).value?.listener);
  });
  for (let rounds = 1; ; rounds += 1) {
    const served = requested;
    const outcome = await syncOnce(hostId, timing);
    if (requested === served) await listeners.notify();
    if (requested === served) {
      show(outcome.problem ?? 'The host has its certificates.', {
        State: outcome.settled ? 'Ready' : 'Failed',
      });
      return outcome;
    }
    if (rounds >= timing.mostLooks) {
      return continueAs(workflowTypes.keystore, { ...input, listeners: listeners.ids });
    }
  }
}

async function syncOnce(hostId: string, { takeMs, runMs }: KeystoreTiming): Promise<KeystoreOutcome> {
  const { hostName, ...plan } = await control('Plan the keystore').planKeystore(hostId);
  if (plan.job === undefined) return { v: 1, settled: false, problem: plan.reason };
  show(`Bringing ${plan.job.certificates.length} certificates to host ${hostName}.`, { State: 'Importing' });
  try {
    const host = quick(hostId, { summary: `Keystore of host ${hostName}`, takeMs, runMs });
    const result = await host.syncCertificates(plan.job);
    return await control('Record what the host read back').recordKeystore(result);
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
    const problem = describeFailureWithHost(hostFailure(error, { hostId, hostName }));
    await control('Record the failure').recordKeystoreFailure(hostId, problem);
    return { v: 1, settled: false, problem };
  }
}
