/** What updateTemplate and updateIso share. */
import { recordEvent } from '../db/events.ts';
import { findGuestOs } from '../db/listings/zones.ts';
import { changeTemplate, type TemplateChanges } from '../db/template-changes.ts';
import type { Secrets } from '../model/source.ts';
import { titleOf } from '../model/title.ts';
import { openAtRest, sealAtRest } from '../trust/sealing.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from './command.ts';
import { checkEntity, isIso, ownTemplate, resourceTypeOf, type Template } from './entities.ts';
import { badParameter } from './errors.ts';
import { readDetails } from './image-source.ts';
import { choice, flag, id, map, type MapEntry, name, required, text } from './parameters.ts';
import { answerOne } from './response.ts';
import { readOneTemplate, TEMPLATE } from './responses/template.ts';

const DESCRIPTION_LENGTH = 4096;

export const updateCommand = (definition: {
  readonly name: 'updateTemplate' | 'updateIso';
  readonly description: string;
  readonly iso: boolean;
}): Command =>
  defineCommand({
    name: definition.name,
    description: definition.description,
    roles: EVERYBODY,
    parameters: {
      id: required(id(definition.iso ? 'the ISO' : 'the template')),
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
    object: definition.iso ? 'iso' : 'template',
    response: TEMPLATE,
    async run(context, values) {
      const template = await ownTemplate(context, values.id, definition.iso);
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
        templateTag: values.templatetag,
        arch: values.arch,
        ...(await readNewDetails(context, template, values)),
      });
      await told(context, template);
      const row = await readOneTemplate(context.db, context.caller, template);
      return answerOne(definition.iso ? 'iso' : 'template', TEMPLATE, row, context.caller);
    },
  });

/** Headers are sealed together with the credentials of the URL, which stay. */
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

async function withHeaders(
  { masterKey }: CommandContext,
  { sealed, url }: Template,
  headers: Secrets['headers'],
): Promise<string | null> {
  const before = sealed === null ? undefined : await openAtRest(masterKey, sealed);
  if (headers.length === 0 && before?.username === undefined) return null;
  const { origin } = new URL(url);
  if (origin === 'null') {
    throw badParameter('details', 'give headers, but only http and https URLs take them.');
  }
  return sealAtRest(masterKey, { ...(before ?? { v: 1, origin }), headers });
}

async function told({ db, caller }: CommandContext, template: Template): Promise<void> {
  await recordEvent(db, {
    type: isIso(template) ? 'ISO.UPDATE' : 'TEMPLATE.UPDATE',
    description: `${titleOf(template)} was changed`,
    userUuid: caller.userUuid,
    accountUuid: caller.accountUuid,
    resourceType: resourceTypeOf(isIso(template)),
    resourceUuid: template.uuid,
  });
}
