/** What extractTemplate and extractIso share: a bypassed template is fetched from where it comes from. */
import { recordEvent } from '../db/events.ts';
import { titleOf } from '../model/title.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from './command.ts';
import { isIso, resourceTypeOf, type Template, templateNamed } from './entities.ts';
import { ApiError, badParameter, errorCode, noSuchEntity } from './errors.ts';
import { instantJob } from './instant-job.ts';
import { id, required, text } from './parameters.ts';
import { formatDate, JOB, render } from './response.ts';

export const extractionCommand = (definition: {
  readonly name: 'extractTemplate' | 'extractIso';
  readonly description: string;
  readonly iso: boolean;
}): Command =>
  defineCommand({
    name: definition.name,
    description: definition.description,
    isAsync: true,
    roles: EVERYBODY,
    parameters: {
      id: required(id(definition.iso ? 'the ISO' : 'the template')),
      mode: required(text('HTTP_DOWNLOAD; there is no other')),
      zoneid: id('taken for the sake of other clients'),
      url: text('taken for the sake of other clients'),
    },
    response: JOB,
    async run(context, { id: given, mode }) {
      const template = await templateNamed(context, 'id', given);
      if (isIso(template) !== definition.iso || template.removed !== null) {
        throw noSuchEntity(context.command, 'id', given);
      }
      if (mode.toUpperCase() !== 'HTTP_DOWNLOAD') {
        throw badParameter('mode', `is '${mode}'; give HTTP_DOWNLOAD.`);
      }
      requireExtractable(context, template);
      return render(JOB, { jobid: await extract(context, template) }, context.caller);
    },
  });

function requireExtractable({ caller }: CommandContext, template: Template): void {
  const isOwn = caller.accountId === template.account_id || caller.role === 'admin';
  if (isOwn || template.extractable) return;
  throw new ApiError(
    errorCode.permission,
    `${titleOf(template)} may not be extracted; its owner can allow it.`,
  );
}

async function extract(context: CommandContext, template: Template): Promise<string> {
  const { db, caller } = context;
  const kind = isIso(template) ? 'iso' : 'template';
  await recordEvent(db, {
    type: `${kind.toUpperCase()}.EXTRACT`,
    description: `The URL of ${titleOf(template, 'middle')} was told`,
    userUuid: caller.userUuid,
    accountUuid: caller.accountUuid,
    resourceType: resourceTypeOf(isIso(template)),
    resourceUuid: template.uuid,
  });
  const { uuid, name, url, created } = template;
  return instantJob(
    context,
    { type: kind === 'iso' ? 'Iso' : 'Template', uuid },
    {
      [kind]: {
        id: uuid,
        name,
        extractMode: 'HTTP_DOWNLOAD',
        state: 'DOWNLOAD_URL_CREATED',
        status: 'Download URL created',
        storagetype: 'NONE',
        created: formatDate(created),
        url,
      },
    },
  );
}
