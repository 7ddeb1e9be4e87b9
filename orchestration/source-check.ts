/** Has a host probe a URL, and returns what a registration would decide about it. */
import type { Client } from '@temporalio/client';
import { CONTROL_QUEUE, templateWorkflowId, workflowTypes } from '../model/names.ts';
import type { RegistrationInput } from '../model/payloads.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { SourceCheckResult } from '../model/source-check.ts';
import { registrationAttributes } from './search-attributes.ts';
import { isLate } from './workflow-status.ts';

type SourceCheck = (input: RegistrationInput) => Promise<SourceCheckResult>;

/** @returns undefined when the check takes longer than `waitMs`; it then ends by itself */
export async function checkSource(
  client: Client,
  input: RegistrationInput,
  waitMs: number,
): Promise<SourceCheckResult | undefined> {
  try {
    return await client.withDeadline(Date.now() + waitMs, () =>
      client.workflow.execute<SourceCheck>(workflowTypes.sourceCheck, {
        taskQueue: CONTROL_QUEUE,
        workflowId: templateWorkflowId(input.templateId),
        args: [{ ...input, ...newRunParameters('registration', input.timing) }],
        typedSearchAttributes: registrationAttributes(input),
        staticSummary: `Look at ${input.url}`,
      }),
    );
  } catch (error) {
    if (isLate(error)) return undefined;
    throw error;
  }
}
