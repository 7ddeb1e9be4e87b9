/** deleteTemplate and deleteIso. */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { createJob } from '../../../db/jobs/jobs.ts';
import { findPendingJob } from '../../../db/jobs/listing.ts';
import { machinesUsing } from '../../../db/vms/usage.ts';
import { zonesOfTemplate } from '../../../db/templates/listing.ts';
import { templateWorkflowId } from '../../../model/names.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { titleOf } from '../../../model/title.ts';
import { begin } from '../../server/temporal-deadline.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import {
  type ImageKind,
  isIso,
  requireOwner,
  type Template,
  templateNamed,
  zoneNamed,
} from '../../fields/entities.ts';
import { badParameter, noSuchEntity } from '../../server/errors.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { JOB, optional, render, type Shape } from '../../fields/response.ts';

const DELETION: Shape<{ readonly jobid: string; readonly machines: number }> = {
  ...JOB,
  displaytext: optional.string('how many virtual machines use it, if any do', ({ machines }) =>
    machines === 0 ? undefined : usedBy(machines),
  ),
};

const usedBy = (machines: number): string =>
  machines === 1
    ? '1 virtual machine uses it: its copy there stays until that one is gone'
    : `${machines} virtual machines use it: its copies there stay until the last of them is gone`;

const deletion = (name: string, image: ImageKind): Command =>
  defineCommand({
    name,
    description: `Deletes the ${image}, and its copies on all pools. A copy that virtual machines use stays until the last of them is gone.`,
    isAsync: true,
    roles: EVERYBODY,
    parameters: {
      id: required(id(`the ${image}`)),
      zoneid: id('the zone that it is in; only where it is in no other'),
      forced: flag('accepted for other clients; copies are removed in any case'),
    },
    response: DELETION,
    async run(context, values) {
      const template = await templateNamed(context, 'id', values.id);
      if (isIso(template) !== (image === 'ISO')) throw noSuchEntity(context.command, 'id', values.id);
      requireOwner(context, template);
      const jobid =
        (await runningDeletion(context, template)) ?? (await startDeletion(context, template, values));
      const machines = await machinesUsing(context.db, template.id);
      return render(DELETION, { jobid, machines }, context.caller);
    },
  });

export const deleteTemplate = deletion('deleteTemplate', 'template');
export const deleteIso = deletion('deleteIso', 'ISO');

/** The job that already deletes the template: a repeated call gets the same job. */
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
  if (zoneid !== undefined) await requireOnlyZone(context, template, zoneid);
  const jobId = await createJob(db, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: isIso(template) ? 'Iso' : 'Template',
    instanceUuid: template.uuid,
  });
  const machines = await machinesUsing(db, template.id);
  await recordCallerEvent(
    { db, caller },
    {
      type: eventType(template, 'DELETE'),
      state: 'Scheduled',
      description: `${titleOf(template)} is to be deleted${machines === 0 ? '' : `; ${usedBy(machines)}`}`,
      resourceType: resourceTypeOf(template),
      resourceUuid: template.uuid,
      workflowId: templateWorkflowId(template.uuid),
    },
  );
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
      template.name,
    ),
  );
  return jobId;
}

/** A template is deleted in all its zones. @throws ApiError 431 when `zoneid` is not its only zone */
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
