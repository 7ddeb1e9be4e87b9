/** Starts a registration and translates its end for the caller. */
import { WorkflowFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { TerminatedFailure } from '@temporalio/common';
import { apiCodes } from '../model/api-codes.ts';
import { CONTROL_QUEUE, TEMPLATE_MEMO, templateWorkflowId, workflowTypes } from '../model/names.ts';
import type {
  DeletionResult,
  RegistrationInput,
  RegistrationRefusal,
  RegistrationResult,
} from '../model/payloads.ts';
import { summaryOf } from '../model/summary.ts';
import { newRunParameters } from '../model/rules/released.ts';
import { registrationAttributes } from './search-attributes.ts';
import { isLate } from './workflow-status.ts';

export type RegistrationOutcome =
  | { readonly outcome: 'active' }
  | { readonly outcome: 'refused'; readonly refusal: RegistrationRefusal }
  /** The registration takes longer than the caller waits, and goes on. */
  | { readonly outcome: 'pending' };

/** A deletion requested meanwhile continues the registration under the same workflow id, so its result may arrive here. */
type Registration = (input: RegistrationInput) => Promise<RegistrationResult | DeletionResult>;

export async function startRegistration(
  client: Client,
  input: RegistrationInput,
  waitMs: number,
): Promise<RegistrationOutcome> {
  try {
    const result = await client.withDeadline(Date.now() + waitMs, () =>
      client.workflow.execute<Registration>(workflowTypes.registration, {
        taskQueue: CONTROL_QUEUE,
        workflowId: templateWorkflowId(input.templateId),
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ ...input, ...newRunParameters('registration', input.timing) }],
        typedSearchAttributes: registrationAttributes(input),
        memo: { [TEMPLATE_MEMO]: input.name },
        staticSummary: summaryOf(`Register ${input.format === 'ISO' ? 'ISO' : 'template'} ${input.name}`),
      }),
    );
    if ('deleted' in result) return refused('The template is being deleted.', apiCodes.parameter);
    return result.refusal === undefined
      ? { outcome: 'active' }
      : { outcome: 'refused', refusal: result.refusal };
  } catch (error) {
    if (isLate(error)) return { outcome: 'pending' };
    if (error instanceof WorkflowFailedError) return explain(error);
    throw error;
  }
}

function explain({ cause }: WorkflowFailedError): RegistrationOutcome {
  return cause instanceof TerminatedFailure
    ? refused('The registration was ended in Temporal before it was done.', apiCodes.internal)
    : refused(`The registration failed: ${cause?.message ?? 'for an unknown reason'}`, apiCodes.internal);
}

const refused = (message: string, code: number): RegistrationOutcome => ({
  outcome: 'refused',
  refusal: { v: 1, message, apiCode: code, urls: [] },
});
