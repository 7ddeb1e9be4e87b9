import { recordEvent } from '../../db/events.ts';
import { createJob } from '../../db/jobs.ts';
import { type DeployablePool, poolsOfZone } from '../../db/listings/pools.ts';
import { zonesOfTemplate } from '../../db/listings/templates.ts';
import type { Place } from '../../db/zones.ts';
import { titleOf } from '../../model/title.ts';
import { begin } from '../background.ts';
import { ADMINS, type CommandContext, defineCommand } from '../command.ts';
import { isIso, poolNamed, resourceTypeOf, type Template, templateNamed, zoneNamed } from '../entities.ts';
import { ApiError, badParameter, errorCode, noSuchEntity } from '../errors.ts';
import { id, required } from '../parameters.ts';
import { answerOne, JOB } from '../response.ts';
import { readTemplates, TEMPLATE } from '../responses/template.ts';

export const prepareTemplate = defineCommand({
  name: 'prepareTemplate',
  description:
    'Has a template or ISO downloaded to a pool, or to all pools of the zone. The job ends when the copies are there.',
  roles: ADMINS,
  parameters: {
    templateid: required(id('the template or ISO')),
    zoneid: required(id('the zone')),
    storageid: id('the pool; every enabled pool of the zone that a host mounts, when absent'),
  },
  object: 'template',
  response: TEMPLATE,
  besides: JOB,
  async run(context, values) {
    const template = await templateNamed(context, 'templateid', values.templateid);
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    await requireReady(context, template, zone, values.templateid);
    const pools =
      values.storageid === undefined
        ? await everyPool(context, zone)
        : [await onePool(context, zone, values.storageid)];
    const jobid = await start(context, template, pools);
    return { ...(await shown(context, template, zone)), jobid };
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
  if (pool.zoneId !== zone.uuid) {
    throw badParameter('storageid', `names pool '${pool.name}', which is not in zone '${zone.name}'.`);
  }
  if (pool.state !== 'Up') {
    throw badParameter(
      'storageid',
      `names pool '${pool.name}', which is in state ${pool.state}; give one that is Up.`,
    );
  }
  if (!pool.served) {
    throw new ApiError(
      errorCode.capacity,
      `No host that is Up and Enabled mounts pool '${pool.name}': start a host worker there, or approve the host.`,
    );
  }
  return pool;
}

async function everyPool({ db }: CommandContext, zone: Place): Promise<readonly DeployablePool[]> {
  const pools = await poolsOfZone(db, zone.id);
  const fit = pools.filter(({ state, served }) => state === 'Up' && served);
  if (fit.length > 0) return fit;
  const why =
    pools.length === 0
      ? 'it has no pool; host workers bring theirs when they join'
      : `none of its ${pools.length} pools is Up and mounted by a host that is Up and Enabled`;
  throw new ApiError(errorCode.capacity, `Zone '${zone.name}' has no pool to deploy to: ${why}.`);
}

async function start(
  context: CommandContext,
  template: Template,
  pools: readonly DeployablePool[],
): Promise<string> {
  const { db, orchestration, caller, command } = context;
  const copies = pools.map((pool) => ({ templateId: template.uuid, poolId: pool.uuid, pool }));
  const jobId = await createJob(db, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: isIso(template) ? 'Iso' : 'Template',
    instanceUuid: template.uuid,
    copies,
  });
  await recordEvent(db, {
    type: isIso(template) ? 'ISO.PREPARE' : 'TEMPLATE.PREPARE',
    state: 'Scheduled',
    description: `${titleOf(template)} is to be deployed to ${pools.map(({ name }) => name).join(', ')}`,
    userUuid: caller.userUuid,
    accountUuid: caller.accountUuid,
    resourceType: resourceTypeOf(isIso(template)),
    resourceUuid: template.uuid,
  });
  const requests = copies.map(({ templateId, poolId, pool }) =>
    orchestration.requestDeployment({ templateId, poolId }, `Deploy ${template.name} to pool ${pool.name}`),
  );
  await begin(context, Promise.all(requests));
  return jobId;
}

async function shown({ db, caller }: CommandContext, template: Template, zone: Place) {
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
