/** What deleteTemplate and deleteIso share. */
import { recordEvent } from '../db/events.ts';
import { createJob } from '../db/jobs.ts';
import { findPendingJob } from '../db/listings/jobs.ts';
import { zonesOfTemplate } from '../db/listings/templates.ts';
import { templateWorkflowId } from '../model/names.ts';
import { titleOf } from '../model/title.ts';
import { begin } from './background.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from './command.ts';
import { isIso, requireOwner, resourceTypeOf, type Template, templateNamed, zoneNamed } from './entities.ts';
import { ApiError, badParameter, errorCode, noSuchEntity } from './errors.ts';
import { flag, id, required } from './parameters.ts';
import { JOB, render } from './response.ts';

export const deletionCommand = (definition: {
  readonly name: 'deleteTemplate' | 'deleteIso';
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
      zoneid: id('the zone that it is in; only where it is in no other'),
      forced: flag('taken for the sake of other clients; copies are removed in any case'),
    },
    response: JOB,
    async run(context, values) {
      const template = await templateNamed(context, 'id', values.id);
      if (isIso(template) !== definition.iso) throw noSuchEntity(context.command, 'id', values.id);
      requireOwner(context, template);
      const jobid =
        (await runningDeletion(context, template)) ?? (await startDeletion(context, template, values));
      return render(JOB, { jobid }, context.caller);
    },
  });

/** Who asks again for what is being deleted waits for the same. */
async function runningDeletion(
  { db, command }: CommandContext,
  template: Template,
): Promise<string | undefined> {
  const pending = await findPendingJob(db, { cmd: command, instanceUuid: template.uuid });
  return pending?.uuid;
}

async function startDeletion(
  context: CommandContext,
  template: Template,
  { id: given, zoneid }: { readonly id: string; readonly zoneid: string | undefined },
): Promise<string> {
  const { db, orchestration, caller, command } = context;
  if (template.removed !== null) throw noSuchEntity(command, 'id', given);
  if (template.state === 'NotUploaded') {
    throw new ApiError(
      errorCode.inUse,
      `${titleOf(template)} is just being registered; delete it when that is done, in some seconds.`,
    );
  }
  if (zoneid !== undefined) await requireOnlyZone(context, template, zoneid);
  const jobId = await createJob(db, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: isIso(template) ? 'Iso' : 'Template',
    instanceUuid: template.uuid,
  });
  await recordEvent(db, {
    type: isIso(template) ? 'ISO.DELETE' : 'TEMPLATE.DELETE',
    state: 'Scheduled',
    description: `${titleOf(template)} is to be deleted`,
    userUuid: caller.userUuid,
    accountUuid: caller.accountUuid,
    resourceType: resourceTypeOf(isIso(template)),
    resourceUuid: template.uuid,
    workflowId: templateWorkflowId(template.uuid),
  });
  await begin(
    context,
    orchestration.requestDeletion(
      {
        v: 1,
        templateId: template.uuid,
        jobId,
        userId: caller.userUuid,
        accountId: caller.accountUuid,
      },
      `Delete ${template.name}`,
    ),
  );
  return jobId;
}

/** It is deleted as a whole; a zone is taken where that is the same. */
async function requireOnlyZone(context: CommandContext, template: Template, zoneid: string): Promise<void> {
  const zone = await zoneNamed(context, 'zoneid', zoneid);
  const zones = await zonesOfTemplate(context.db, template.id);
  if (!zones.includes(zone.uuid)) {
    throw badParameter('zoneid', `is zone '${zone.name}', which ${titleOf(template, 'middle')} is not in.`);
  }
  if (zones.length > 1) {
    throw badParameter(
      'zoneid',
      `would leave '${template.name}' in ${zones.length - 1} other zones, but it is deleted as a whole; leave zoneid out for that.`,
    );
  }
}
