/** Shared by registerTemplate and registerIso: writes the rows, starts the workflow, and answers the template. */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { NotPossible } from '../../../db/errors.ts';
import { findTemplate } from '../../../db/templates/listing.ts';
import { recordRegistration, TooManyUnderWay } from '../../../db/templates/registrations.ts';
import { templateSecrets } from '../../../db/templates/secrets.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { templateWorkflowId } from '../../../model/names.ts';
import type { RegistrationInput, RegistrationRefusal } from '../../../model/payloads.ts';
import type { Secrets } from '../../../model/source.ts';
import { titleOf } from '../../../model/title.ts';
import { sealSecrets } from '../../../trust/at-rest.ts';
import type { CommandContext } from '../../server/command.ts';
import type { Template } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { asApiError, unavailable } from '../../server/known-errors.ts';
import { MAX_PAGE_SIZE } from '../../fields/paging.ts';
import { type Answer, answerList } from '../../fields/response.ts';
import { readTemplates, TEMPLATE } from '../../fields/answers/template.ts';

/** Registrations that one account may have under way: each can occupy a host for as long as its source is silent. */
const MAX_UNDER_WAY = 20;
const RETRY_MS = 5000;
/** Milliseconds reserved for reading the rows after the wait for the verdict. */
const ANSWER_MS = 300;

/**
 * Registers an image, waits for the verdict and answers the template, one entry per zone. The registration goes on if the
 * verdict takes longer than the caller waits.
 */
export async function register(
  context: CommandContext,
  secrets: Secrets | undefined,
  input: RegistrationInput,
): Promise<Answer> {
  const known = await findTemplate(context.db, input.templateId);
  if (known !== undefined) await requireSame(context, known, { input, secrets });
  if (known?.state !== 'Active') {
    await writeRows(context, secrets, input);
    await start(context, input);
  }
  const registered = await findTemplate(context.db, input.templateId);
  if (registered === undefined || !wasBegun(registered)) throw unfinished(context, input);
  // A concurrent call with the same key may have registered another image.
  await requireSame(context, registered, { input, secrets });
  const shown = await readRegistered(context, input, registered);
  return answerList(input.format === 'ISO' ? 'iso' : 'template', TEMPLATE, shown, context.caller);
}

/**
 * A repeated call for the same image is answered like the first one.
 * @throws ApiError 431 when the key was used for another image, or its image was deleted
 */
async function requireSame(
  context: CommandContext,
  known: Template,
  {
    input: { url, name, format },
    secrets,
  }: { readonly input: RegistrationInput; readonly secrets: Secrets | undefined },
): Promise<void> {
  if (known.removed !== null || known.state === 'Inactive') {
    throw keyTaken(`'${known.name}', which was deleted; give another one.`);
  }
  const isSame = known.url === url && known.name === name && known.format === format;
  // The shown URL hides the query, so whole URLs are compared: another query means another image.
  if (isSame && (await templateSecrets(context, known.uuid))?.url === secrets?.url) return;
  throw keyTaken(`'${known.name}' with another name, URL or format; give another one.`);
}

const keyTaken = (sentence: string): ApiError =>
  badParameter('customid', `(or the header Idempotency-Key) was used before, for ${sentence}`);

/** Writes the rows of a registration. The api does this, not the workflow, so that secrets never enter Temporal. */
export async function writeRows(
  { db, masterKey }: CommandContext,
  secrets: Secrets | undefined,
  input: RegistrationInput,
): Promise<void> {
  const owner = { use: 'template', template: input.templateId, account: input.accountId } as const;
  const sealed = secrets && (await sealSecrets(masterKey, owner, secrets));
  await recordRegistration(db, input, { sealed, maxUnderWay: MAX_UNDER_WAY }).catch((error: unknown) => {
    if (error instanceof NotPossible) throw new ApiError(apiCodes.parameter, `${error.message}.`);
    if (!(error instanceof TooManyUnderWay)) throw error;
    throw new ApiError(apiCodes.limit, `${error.message}.`, { retryAfterMs: RETRY_MS });
  });
}

/** Milliseconds for which this call may wait for a verdict. */
export const waitFor = ({ answerBy }: CommandContext): number =>
  Math.max(0, answerBy - Date.now() - ANSWER_MS);

async function start(context: CommandContext, input: RegistrationInput): Promise<void> {
  const { db, orchestration, caller } = context;
  await recordCallerEvent(
    { db, caller },
    {
      type: eventType(input, 'CREATE'),
      state: 'Scheduled',
      description: `${titleOf(input)} is to be registered from ${input.url}`,
      accountUuid: input.accountId,
      resourceType: resourceTypeOf(input),
      resourceUuid: input.templateId,
      workflowId: templateWorkflowId(input.templateId),
    },
  );
  const outcome = await orchestration.register(input, waitFor(context)).catch((error: unknown) => {
    throw asApiError(error) ?? error;
  });
  if (outcome.outcome === 'refused') throw refusalOf(context, outcome.refusal);
}

/** Why the URL was refused. Only administrators see which host tried it. */
export function refusalOf({ caller }: CommandContext, refusal: RegistrationRefusal): ApiError {
  const { apiCode, message, hostName, hostId, tried = [] } = refusal;
  const names = caller.role !== 'admin' ? [] : hostName === undefined ? tried : [hostName];
  const hosts = names.length === 0 ? '' : ` (tried by host ${names.join(', ')})`;
  return new ApiError(apiCode, `${message}${hosts}`, {
    kind: 'SourceRefused',
    parameter: 'url',
    hostId,
  });
}

/** Whether the workflow has started: updating the rows is the first thing it does. */
const wasBegun = ({ state, created, updated }: Template): boolean =>
  state !== 'NotUploaded' || updated > created;

async function readRegistered(
  context: CommandContext,
  { templateId, format }: RegistrationInput,
  registered: Template,
) {
  return readTemplates(
    context.db,
    {
      iso: format === 'ISO',
      accountId: registered.account_id,
      admin: context.caller.role === 'admin',
      filter: 'self',
      ids: [templateId],
    },
    { limit: MAX_PAGE_SIZE, offset: 0 },
    { details: true },
  );
}

const unfinished = ({ command }: CommandContext, { templateId }: RegistrationInput): ApiError =>
  unavailable(
    'The registration was not begun in time: see whether Temporal and a control worker run. It goes on as soon as they ' +
      `do, as ${templateId}`,
    `${command} again with the same customid or Idempotency-Key waits for it`,
  );
