import { recordCallerEvent } from '../../server/caller-event.ts';
import { createDeploymentJob } from '../../../db/jobs/jobs.ts';
import { type DeployablePool, poolsOfZone } from '../../../db/pools/listing.ts';
import { zonesOfTemplate } from '../../../db/templates/listing.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { titleOf } from '../../../model/title.ts';
import { begin } from '../../server/temporal-deadline.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { isIso, poolNamed, type Template, templateNamed, zoneNamed } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, badParameter, noSuchEntity } from '../../server/errors.ts';
import { id, required } from '../../fields/parameters.ts';
import { answerOne, JOB } from '../../fields/response.ts';
import { readTemplates, TEMPLATE } from '../../fields/answers/template.ts';

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
  if (pool.zoneId !== zone.uuid) {
    throw badParameter('storageid', `names pool '${pool.name}', which is not in zone '${zone.name}'.`);
  }
  if (pool.state !== 'Up') {
    throw badParameter(
      'storageid',
      `names pool '${pool.name}', which is in state ${pool.state}; give one that is Up.`,
    );
  }
  if (!pool.inUse) {
    throw badParameter(
      'storageid',
      `names pool '${pool.name}' of a single host, and zone '${zone.name}' uses no local storage (updateZone localstorageenabled=true).`,
    );
  }
  if (!pool.served) {
    const advice = 'start a host worker there, or approve the host';
    throw new ApiError(
      apiCodes.capacity,
      `No host that is Up and Enabled mounts pool '${pool.name}': ${advice}.`,
      { parameter: 'storageid', advice },
    );
  }
  return pool;
}

async function everyPool({ db }: CommandContext, zone: Place): Promise<readonly DeployablePool[]> {
  const pools = await poolsOfZone(db, zone.id);
  const fit = pools.filter(({ state, served, inUse }) => state === 'Up' && served && inUse);
  if (fit.length > 0) return fit;
  const why =
    pools.length === 0
      ? 'it has no pool; host workers bring theirs when they join'
      : `none of its ${pools.length} pools is Up, mounted by a host that is Up and Enabled, and allowed by the zone's localstorageenabled`;
  throw new ApiError(apiCodes.capacity, `Zone '${zone.name}' has no pool to deploy to: ${why}.`);
}

async function start(
  context: CommandContext,
  template: Template,
  pools: readonly DeployablePool[],
): Promise<string> {
  const { db, orchestration, caller, command } = context;
  const copies = pools.map((pool) => ({ templateId: template.uuid, poolId: pool.uuid, pool }));
  const { jobId, awaited } = await createDeploymentJob(db, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: isIso(template) ? 'Iso' : 'Template',
    instanceUuid: template.uuid,
    copies,
  });
  await recordCallerEvent(
    { db, caller },
    {
      type: eventType(template, 'PREPARE'),
      state: 'Scheduled',
      description: `${titleOf(template)} is to be deployed to ${pools.map(({ name }) => name).join(', ')}`,
      resourceType: resourceTypeOf(template),
      resourceUuid: template.uuid,
    },
  );
  const requests = copies.map(({ templateId, poolId, pool }) =>
    orchestration.requestDeployment(
      { templateId, poolId },
      {
        names: { template: template.name, pool: pool.name },
        awaited: awaited.some((copy) => copy.poolId === poolId),
      },
    ),
  );
  await begin(context, Promise.all(requests));
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
