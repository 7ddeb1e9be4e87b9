/** What registerTemplate and registerIso share: from their parameters to the workflow and back. */
import { recordEvent } from '../db/events.ts';
import { findTemplate } from '../db/listings/templates.ts';
import { templateWorkflowId } from '../model/names.ts';
import type { RegistrationInput } from '../model/payloads.ts';
import { titleOf } from '../model/title.ts';
import type { RegistrationOutcome } from '../orchestration/client.ts';
import type { CommandContext } from './command.ts';
import { resourceTypeOf, type Template } from './entities.ts';
import { ApiError, badParameter } from './errors.ts';
import { explain, unavailable } from './explain.ts';
import { MAX_PAGE_SIZE } from './paging.ts';
import { type Answer, answerList } from './response.ts';
import { readTemplates, TEMPLATE } from './responses/template.ts';

/** Of what the caller waits for, kept back for reading the rows. */
const ANSWER_MS = 300;

/**
 * Registers, waits for the verdict and answers the template, one entry per zone. The registration goes on when the
 * caller does not wait for it.
 */
export async function register(context: CommandContext, input: RegistrationInput): Promise<Answer> {
  const known = await findTemplate(context.db, input.templateId);
  if (known !== undefined) requireSame(known, input);
  if (known?.state !== 'Active') await start(context, input);
  const shown = await readRegistered(context, input);
  const [first] = shown.rows;
  if (first === undefined) throw unavailable(unfinished(context, input));
  // Another call with the same key may have been faster.
  requireSame(first, input);
  return answerList(input.format === 'ISO' ? 'iso' : 'template', TEMPLATE, shown, context.caller);
}

/** The same key for another image is a mistake of the caller; the same for the same is the same call again. */
function requireSame(known: Template, { url, name, format }: RegistrationInput): void {
  if (known.removed !== null || known.state === 'Inactive') {
    throw keyTaken(`'${known.name}', which was deleted; give another one.`);
  }
  if (known.url === url && known.name === name && known.format === format) return;
  throw keyTaken(`'${known.name}' with another name, URL or format; give another one.`);
}

const keyTaken = (sentence: string): ApiError =>
  badParameter('customid', `(or the header Idempotency-Key) was used before, for ${sentence}`);

async function start(context: CommandContext, input: RegistrationInput): Promise<void> {
  const { db, orchestration, caller, answerBy } = context;
  const iso = input.format === 'ISO';
  await recordEvent(db, {
    type: iso ? 'ISO.CREATE' : 'TEMPLATE.CREATE',
    state: 'Scheduled',
    description: `${titleOf(input)} is to be registered from ${input.url}`,
    userUuid: caller.userUuid,
    accountUuid: input.accountId,
    resourceType: resourceTypeOf(iso),
    resourceUuid: input.templateId,
    workflowId: templateWorkflowId(input.templateId),
  });
  const waitMs = Math.max(0, answerBy - Date.now() - ANSWER_MS);
  const outcome = await orchestration.register(input, waitMs).catch((error: unknown) => {
    throw explain(error) ?? error;
  });
  if (outcome.outcome === 'refused') throw refusalOf(outcome);
}

const refusalOf = ({ refusal }: Extract<RegistrationOutcome, { outcome: 'refused' }>): ApiError =>
  new ApiError(
    refusal.apiCode,
    refusal.hostName === undefined
      ? refusal.message
      : `${refusal.message} (tried by host ${refusal.hostName})`,
  );

async function readRegistered(context: CommandContext, { templateId, format }: RegistrationInput) {
  const template = await findTemplate(context.db, templateId);
  return readTemplates(
    context.db,
    {
      iso: format === 'ISO',
      accountId: template?.account_id ?? context.caller.accountId,
      admin: context.caller.role === 'admin',
      filter: 'self',
      ids: [templateId],
    },
    { limit: MAX_PAGE_SIZE, offset: 0 },
    { details: true },
  );
}

const unfinished = ({ command }: CommandContext, { templateId }: RegistrationInput): string =>
  `The registration was not begun in time: see whether Temporal and a control worker run. It goes on as soon as they ` +
  `do, as ${templateId}; ${command} again with the same customid or Idempotency-Key waits for it.`;
