/** updateTemplate and updateIso. */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { findGuestOs } from '../../../db/zones/listing.ts';
import { changeTemplate, type TemplateChanges } from '../../../db/templates/changes.ts';
import { changedSecrets } from '../../../db/templates/secrets.ts';
import type { Secrets } from '../../../model/source.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { titleOf } from '../../../model/title.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity, type ImageKind, ownTemplate, type Template } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { readDetails } from './image-source.ts';
import {
  choice,
  flag,
  id,
  map,
  type MapEntry,
  name,
  orNull,
  required,
  text,
} from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { readOneTemplate, TEMPLATE } from '../../fields/answers/template.ts';

const DESCRIPTION_LENGTH = 4096;

const update = (command: string, image: ImageKind): Command =>
  defineCommand({
    name: command,
    description: `Changes properties of the ${image}; its URL, checksum and zones stay as registered.`,
    roles: EVERYBODY,
    parameters: {
      id: required(id(`the ${image}`)),
      name: name('the new name'),
      displaytext: text('the new description', DESCRIPTION_LENGTH),
      ostypeid: id('the guest operating system'),
      passwordenabled: flag('whether passwords can be reset'),
      sshkeyenabled: flag('whether SSH keys can be reset'),
      isdynamicallyscalable: flag('whether VMs can be scaled while they run'),
      requireshvm: flag('whether it needs hardware virtualisation'),
      bootable: flag('whether a VM can boot from it'),
      templatetag: text('the tag'),
      arch: choice('the processor architecture', ['x86_64', 'aarch64']),
      details: map('replaces all details; HTTP_HEADER ones replace all headers, and are kept secret'),
      cleanupdetails: flag('true: removes all details, and all headers'),
    },
    object: image === 'ISO' ? 'iso' : 'template',
    response: TEMPLATE,
    async run(context, values) {
      const template = await ownTemplate(context, values.id, image);
      await checkEntity(context, 'ostypeid', values.ostypeid, (uuid) => findGuestOs(context.db, uuid));
      await changeTemplate(context.db, template.id, {
        name: values.name,
        displayText: values.displaytext,
        osTypeId: values.ostypeid?.toLowerCase(),
        passwordEnabled: values.passwordenabled,
        sshKeyEnabled: values.sshkeyenabled,
        dynamicallyScalable: values.isdynamicallyscalable,
        requiresHvm: values.requireshvm,
        bootable: values.bootable,
        templateTag: orNull(values.templatetag),
        arch: values.arch,
        ...(await readNewDetails(context, template, values)),
      });
      await recordUpdate(context, template);
      const row = await readOneTemplate(context.db, context.caller, template);
      return answerOne(image === 'ISO' ? 'iso' : 'template', TEMPLATE, row, context.caller);
    },
  });

export const updateTemplate = update('updateTemplate', 'template');
export const updateIso = update('updateIso', 'ISO');

/** New headers replace the old ones in the sealed secrets; the credentials and the query of the URL stay. */
async function readNewDetails(
  context: CommandContext,
  template: Template,
  {
    details: entries,
    cleanupdetails,
  }: { readonly details: readonly MapEntry[] | undefined; readonly cleanupdetails: boolean | undefined },
): Promise<Pick<TemplateChanges, 'details' | 'sealed'>> {
  if (cleanupdetails === true && entries !== undefined) {
    throw badParameter('cleanupdetails', 'and details exclude each other; give one of them.');
  }
  if (cleanupdetails === true) return { details: {}, sealed: await withHeaders(context, template, []) };
  if (entries === undefined) return {};
  const { headers, plain } = readDetails(entries);
  return {
    details: plain,
    ...(headers.length === 0 ? {} : { sealed: await withHeaders(context, template, headers) }),
  };
}

function withHeaders(
  context: CommandContext,
  { uuid, url }: Template,
  headers: Secrets['headers'],
): Promise<string | null> {
  return changedSecrets(context, uuid, (before) => {
    if (headers.length === 0 && before?.username === undefined && before?.url === undefined) return undefined;
    const { origin } = new URL(url);
    if (origin === 'null') {
      throw badParameter('details', 'give headers, but only http and https URLs take them.');
    }
    return { ...(before ?? { v: 1, origin }), headers };
  });
}

async function recordUpdate({ db, caller }: CommandContext, template: Template): Promise<void> {
  await recordCallerEvent(
    { db, caller },
    {
      type: eventType(template, 'UPDATE'),
      description: `${titleOf(template)} was changed`,
      resourceType: resourceTypeOf(template),
      resourceUuid: template.uuid,
    },
  );
}
