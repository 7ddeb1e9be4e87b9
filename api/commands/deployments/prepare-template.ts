import { createDeploymentJob } from '../../../db/jobs/jobs.ts';
import type { DeployablePool } from '../../../db/pools/listing.ts';
import { zonesOfTemplate } from '../../../db/templates/listing.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { titleOf } from '../../../model/title.ts';
import { begin } from '../../server/temporal-deadline.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { isIso, poolNamed, type Template, templateNamed, zoneNamed } from '../../fields/entities.ts';
import { badParameter, noSuchEntity } from '../../server/errors.ts';
import { id, required } from '../../fields/parameters.ts';
import { answerOne, JOB } from '../../fields/response.ts';
import {
  recordPreparation,
  requireDeployable,
  requireOneSelection,
  ROLLOUT_PARAMETERS,
  rollOut,
} from '../rollouts/start-rollout.ts';
import { readTemplates, TEMPLATE } from '../../fields/answers/template.ts';

export const prepareTemplate = defineCommand({
  name: 'prepareTemplate',
  description:
    'Has a template or ISO downloaded to a pool; or to all pools of the zone, of a cluster, of a list or with a tag: some at a time, as a roll-out. The job ends when the copies are there.',
  roles: ADMINS,
  parameters: {
    templateid: required(id('the template or ISO')),
    zoneid: required(id('the zone')),
    storageid: id('the pool; every enabled pool of the zone that a host mounts, when absent'),
    ...ROLLOUT_PARAMETERS,
  },
  object: 'template',
  response: TEMPLATE,
  besides: JOB,
  async run(context, values) {
    const template = await templateNamed(context, 'templateid', values.templateid);
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    requireOneSelection(values);
    await requireReady(context, template, zone, values.templateid);
    const jobid =
      values.storageid === undefined
        ? await rollOut(context, { template, zone }, values)
        : await deployTo(context, template, await onePool(context, zone, values.storageid));
    return { ...(await templateIn(context, template, zone)), jobid };
  },
});

async function requireReady(
  { db, command }: CommandContext,
  template: Template,
  zone: Place,
  given: string,
): Promise<void> {
  if (template.removed !== null || template.state === 'Inactive')
    throw noSuchEntity(command, 'templateid', given);
  if (template.state === 'NotUploaded') {
    throw badParameter(
      'templateid',
      `names ${titleOf(template)}, which is still being registered; wait for that.`,
    );
  }
  if (!(await zonesOfTemplate(db, template.id)).includes(zone.uuid)) {
    throw badParameter('zoneid', `is zone '${zone.name}', which ${titleOf(template)} is not registered in.`);
  }
}

async function onePool(context: CommandContext, zone: Place, storageid: string): Promise<DeployablePool> {
  const pool = await poolNamed(context, 'storageid', storageid);
  requireDeployable('storageid', pool, zone);
  return pool;
}

async function deployTo(context: CommandContext, template: Template, pool: DeployablePool): Promise<string> {
  const { db, orchestration, caller, command } = context;
  const copy = { templateId: template.uuid, poolId: pool.uuid };
  const { jobId, awaited } = await createDeploymentJob(db, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: isIso(template) ? 'Iso' : 'Template',
    instanceUuid: template.uuid,
    copies: [copy],
  });
  await recordPreparation(context, template, pool.name);
  await begin(
    context,
    orchestration.requestDeployment(copy, {
      names: { template: template.name, pool: pool.name },
      awaited: awaited.length > 0,
    }),
  );
  return jobId;
}

async function templateIn({ db, caller }: CommandContext, template: Template, zone: Place) {
  const { rows } = await readTemplates(
    db,
    {
      iso: isIso(template),
      accountId: caller.accountId,
      admin: caller.role === 'admin',
      filter: 'all',
      ids: [template.uuid],
      zoneId: zone.uuid,
    },
    { limit: 1, offset: 0 },
    { details: false },
  );
  return answerOne('template', TEMPLATE, rows, caller);
}
