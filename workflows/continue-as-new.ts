/** Continuing a workflow as a new run under the same workflow id. */
import { CancelledFailure } from '@temporalio/common';
import { makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import { workflowTypes } from '../model/names.ts';
import type { CertificateInput, KeystoreInput } from '../model/certificate-jobs.ts';
import type { CopyInput, DeletionInput, RemovalInput } from '../model/payloads.ts';
import type { RolloutInput } from '../model/rollout.ts';
import type { CleanupInput } from '../model/pool-files.ts';
import type { PeersInput } from '../model/spread.ts';
import type { HostReportsInput, UpkeepInput } from '../model/upkeep.ts';
import type { VerificationsInput } from '../model/verification.ts';
import type { VmInput } from '../model/vm-payloads.ts';
import type { CopyRun } from './copy/attempt.ts';
import { requestsHandled } from './copy/requests.ts';

interface ContinuedInputs {
  readonly deployment: CopyInput;
  readonly removal: RemovalInput;
  readonly upkeep: UpkeepInput;
  readonly hostReports: HostReportsInput;
  readonly certificate: CertificateInput;
  readonly keystore: KeystoreInput;
  readonly deletion: DeletionInput;
  readonly vm: VmInput;
  readonly peers: PeersInput;
  readonly rollout: RolloutInput;
  readonly cleanup: CleanupInput;
  readonly verifications: VerificationsInput;
}

/** Ends this run, and starts one of the given type. Memo and search attributes stay. */
export const continueAs = <T extends keyof ContinuedInputs>(
  type: T,
  input: ContinuedInputs[T],
): Promise<never> =>
  makeContinueAsNewFunc<(input: ContinuedInputs[T]) => Promise<unknown>>({ workflowType: type })(input);

/**
 * Continues a deployment whose history has grown long, as that of a wait of weeks does; the next run starts with what
 * this run has learnt. Does nothing while the history is short.
 * @throws CancelledFailure when the deployment was stopped, also by the latest event: the next run would not know of the
 * stop
 */
export async function continueWhenSuggested({
  input,
  history,
  attempts,
  last,
  requests,
  peerFailures,
}: CopyRun): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return;
  await requestsHandled(requests);
  if (requests.stop !== undefined) throw new CancelledFailure('The deployment was stopped');
  const carried = { history, attempts, ...(last === undefined ? {} : { last }), peerFailures };
  await continueAs(workflowTypes.deployment, { ...input, priority: requests.priority, carried });
}
