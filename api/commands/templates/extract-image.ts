/** extractTemplate and extractIso. There is no secondary storage to download from, so both answer the source URL. */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { isShownUrl } from '../../../model/url.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { titleOf } from '../../../model/title.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { type ImageKind, isIso, type Template, templateNamed } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, badParameter, noSuchEntity } from '../../server/errors.ts';
import { instantJob } from '../../server/instant-job.ts';
import { id, required, text } from '../../fields/parameters.ts';
import { formatDate, JOB, render } from '../../fields/response.ts';

const extraction = (name: string, image: ImageKind): Command =>
  defineCommand({
    name,
    description: `Answers the URL that hosts download the ${image} from; there is no other place to download it from.`,
    isAsync: true,
    roles: EVERYBODY,
    parameters: {
      id: required(id(`the ${image}`)),
      mode: required(text('HTTP_DOWNLOAD; there is no other')),
      zoneid: id('accepted for other clients, and not used'),
      url: text('accepted for other clients, and not used'),
    },
    response: JOB,
    async run(context, { id: given, mode }) {
      const template = await templateNamed(context, 'id', given);
      if (isIso(template) !== (image === 'ISO') || template.removed !== null) {
        throw noSuchEntity(context.command, 'id', given);
      }
      if (mode.toUpperCase() !== 'HTTP_DOWNLOAD') {
        throw badParameter('mode', `is '${mode}'; give HTTP_DOWNLOAD.`);
      }
      requireExtractable(context, template);
      requireWholeUrl(template);
      return render(JOB, { jobid: await extract(context, template) }, context.caller);
    },
  });

export const extractTemplate = extraction('extractTemplate', 'template');
export const extractIso = extraction('extractIso', 'ISO');

function requireExtractable({ caller }: CommandContext, template: Template): void {
  const isOwn = caller.accountId === template.account_id || caller.role === 'admin';
  if (isOwn || template.extractable) return;
  throw new ApiError(
    apiCodes.permission,
    `${titleOf(template)} may not be extracted; its owner can allow it with isextractable.`,
  );
}

function requireWholeUrl(template: Template): void {
  if (!isShownUrl(new URL(template.url))) return;
  throw badParameter(
    'id',
    `names ${titleOf(template, 'middle')}, whose URL has a query. The query may hold a token, so the URL is not answered.`,
  );
}

async function extract(context: CommandContext, template: Template): Promise<string> {
  const { db, caller } = context;
  const kind = isIso(template) ? 'iso' : 'template';
  await recordCallerEvent(
    { db, caller },
    {
      type: eventType(template, 'EXTRACT'),
      description: `The URL of ${titleOf(template, 'middle')} was answered`,
      resourceType: resourceTypeOf(template),
      resourceUuid: template.uuid,
    },
  );
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
