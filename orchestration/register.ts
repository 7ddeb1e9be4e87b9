/** Starting a registration, and telling how it ended. */
import { WorkflowFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure, TerminatedFailure } from '@temporalio/common';
import { CONTROL_QUEUE, REGISTRATION_REFUSED, templateWorkflowId, workflowTypes } from '../model/names.ts';
import type { RegistrationInput, RegistrationRefusal, RegistrationResult } from '../model/payloads.ts';
import { registrationAttributes } from './attributes.ts';
import { isLate } from './runs.ts';

export type RegistrationOutcome =
  | { readonly outcome: 'active' }
  | { readonly outcome: 'refused'; readonly refusal: RegistrationRefusal }
  /** It takes longer than the caller waits; it goes on. */
  | { readonly outcome: 'pending' };

type Registration = (input: RegistrationInput) => Promise<RegistrationResult>;

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
        args: [input],
        typedSearchAttributes: registrationAttributes(input),
        staticSummary: `Register ${input.format === 'ISO' ? 'ISO' : 'template'} ${input.name}`,
      }),
    );
    return 'deleted' in result ? refused('The template is being deleted.', 431) : { outcome: 'active' };
  } catch (error) {
    if (isLate(error)) return { outcome: 'pending' };
    if (error instanceof WorkflowFailedError) return explain(error);
    throw error;
  }
}

function explain({ cause }: WorkflowFailedError): RegistrationOutcome {
  if (cause instanceof ApplicationFailure && cause.type === REGISTRATION_REFUSED) {
    const [refusal] = (cause.details ?? []) as RegistrationRefusal[];
    if (refusal !== undefined) return { outcome: 'refused', refusal };
  }
  return cause instanceof TerminatedFailure
    ? refused('The registration was ended in Temporal before it was done.', 530)
    : refused(`The registration failed: ${cause?.message ?? 'for an unknown reason'}`, 530);
}

const refused = (message: string, apiCode: number): RegistrationOutcome => ({
  outcome: 'refused',
  refusal: { v: 1, message, apiCode, urls: [] },
});
