/** Going on as a new run under the same workflow id. */
import { makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import { workflowTypes } from '../model/names.ts';
import type { CertificateInput } from '../model/certificate-jobs.ts';
import type { CopyInput, RemovalInput, UpkeepInput } from '../model/payloads.ts';
import type { CopyRun } from './attempt.ts';

interface Inputs {
  readonly deployment: CopyInput;
  readonly removal: RemovalInput;
  readonly upkeep: UpkeepInput;
  readonly certificate: CertificateInput;
}

/** Ends this run and starts one of the given type; what the workflow shows of itself stays. */
export const goOnAs = <T extends keyof Inputs>(type: T, input: Inputs[T]): Promise<never> =>
  makeContinueAsNewFunc<(input: Inputs[T]) => Promise<unknown>>({ workflowType: type })(input);

/** A wait of weeks fills the history of a run; the next one remembers what this one has learnt. */
export async function goOnWhenLong({ input, history, attempts, last }: CopyRun): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return;
  const carried = { history, attempts, ...(last === undefined ? {} : { last }) };
  await goOnAs(workflowTypes.deployment, { ...input, carried });
}
