/** Starts a roll-out: prepareTemplate for many pools. */
import { type DeployablePool, poolsOfZone } from '../../../db/pools/listing.ts';
import { createRollout } from '../../../db/rollouts/rollouts.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import type { RolloutSelection } from '../../../model/rollout.ts';
import { titleOf } from '../../../model/title.ts';
import { clusterNamed, isIso, type Template } from '../../fields/entities.ts';
import { filled, id, integer, list, text } from '../../fields/parameters.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError, badParameter, noSuchEntity } from '../../server/errors.ts';
import { begin } from '../../server/temporal-deadline.ts';

/** Characters of a list of pools: 5,000 ids. */
const MAX_POOLS_LENGTH = 185_000;

export const ROLLOUT_PARAMETERS = {
  storageids: filled(list('these pools of the zone, with commas', MAX_POOLS_LENGTH)),
  clusterid: id('the pools of this cluster'),
  tag: filled(text('the pools with this storage tag')),
  atonce: integer(
    'how many copies of a roll-out to bring at a time at most; template.rollout.max.per.zone and template.rollout.max.per.origin hold besides',
    { min: 1, max: 100_000 },
  ),
} as const;

interface Selection {
  readonly storageid?: string | undefined;
  readonly storageids: readonly string[] | undefined;
  readonly clusterid: string | undefined;
  readonly tag: string | undefined;
}

/** @throws ApiError 431 for pools that are chosen in two ways at once; a cluster and a tag may be given together */
export function requireOneSelection({
  storageid,
  storageids,
  clusterid,
  tag,
  atonce,
}: Selection & { readonly atonce: number | undefined }): void {
  const [other] =
    Object.entries({ storageids, clusterid, tag, atonce }).find(([, given]) => given !== undefined) ?? [];
  if (storageid !== undefined && other !== undefined)
    throw badParameter(
      'storageid',
      `is given beside ${other}, which is for several pools; leave one of them out.`,
    );
  if (storageids === undefined) return;
  const by = clusterid === undefined ? tag && 'tag' : 'clusterid';
  if (by !== undefined) throw badParameter('storageids', `is given beside ${by}; leave one of them out.`);
}

interface What {
  readonly template: Template;
  readonly zone: Place;
}

/** @returns the id of the job */
export async function rollOut(
  context: CommandContext,
  { template, zone }: What,
  values: Omit<Selection, 'storageid'> & { readonly atonce: number | undefined },
): Promise<string> {
  const { db, orchestration, caller, command } = context;
  const cluster =
    values.clusterid === undefined ? undefined : await clusterNamed(context, 'clusterid', values.clusterid);
  const pools = await choosePools(context, zone, values, cluster);
  const jobId = await createRollout(db, {
    job: {
      accountId: caller.accountUuid,
      userId: caller.userUuid,
      cmd: command,
      instanceType: isIso(template) ? 'Iso' : 'Template',
      instanceUuid: template.uuid,
    },
    poolIds: pools.map(({ uuid }) => uuid),
    template_id: template.id,
    zone_id: zone.id,
    selection: selectionOf(values),
    cluster_id: cluster?.id ?? null,
    tag: values.tag ?? null,
    at_once: values.atonce ?? null,
  });
  await recordPreparation(context, template, poolsInWords(pools, zone));
  await begin(
    context,
    orchestration.requestRollout({ jobId, templateId: template.uuid, templateName: template.name }),
  );
  return jobId;
}

function selectionOf({ storageids, tag, clusterid }: Omit<Selection, 'storageid'>): RolloutSelection {
  if (storageids !== undefined) return 'pools';
  if (tag !== undefined) return 'tag';
  return clusterid === undefined ? 'zone' : 'cluster';
}

async function choosePools(
  { db, command }: CommandContext,
  zone: Place,
  { storageids, tag }: Omit<Selection, 'storageid'>,
  cluster: Place | undefined,
): Promise<readonly DeployablePool[]> {
  const all = await poolsOfZone(db, zone.id);
  if (storageids === undefined) return fitPools(all, zone, { tag, cluster });
  const byId = new Map(all.map((pool) => [pool.uuid, pool]));
  const ids = [...new Set(storageids.map((storageid) => storageid.toLowerCase()))];
  return ids.map((storageid) => {
    const pool = byId.get(storageid);
    if (pool === undefined) throw noSuchEntity(command, 'storageids', storageid);
    requireDeployable('storageids', pool, zone);
    return pool;
  });
}

/** Those that can be deployed to now. @throws ApiError 533 when there is none */
function fitPools(
  all: readonly DeployablePool[],
  zone: Place,
  { tag, cluster }: { readonly tag: string | undefined; readonly cluster: Place | undefined },
): readonly DeployablePool[] {
  const pools = all.filter(
    ({ tags, clusterId }) =>
      (tag === undefined || tags.includes(tag)) && (cluster === undefined || clusterId === cluster.uuid),
  );
  const fit = pools.filter(({ state, served, inUse }) => state === 'Up' && served && inUse);
  if (fit.length > 0) return fit;
  const place =
    cluster === undefined ? `Zone '${zone.name}'` : `Cluster '${cluster.name}' of zone '${zone.name}'`;
  const tagged = tag === undefined ? '' : ` with the tag '${tag}'`;
  const none =
    tag === undefined && cluster === undefined
      ? 'it has no pool; host workers bring theirs when they join'
      : 'it has no such pool; listStoragePools tells the cluster and the tags of each';
  const why =
    pools.length === 0
      ? none
      : `none of its ${pools.length} pools is Up, mounted by a host that is Up and Enabled, and allowed by the zone's localstorageenabled`;
  throw new ApiError(apiCodes.capacity, `${place} has no pool${tagged} to deploy to: ${why}.`);
}

/** @throws ApiError for a pool that no host could bring a copy to now */
export function requireDeployable(parameter: string, pool: DeployablePool, zone: Place): void {
  if (pool.zoneId !== zone.uuid) {
    throw badParameter(parameter, `names pool '${pool.name}', which is not in zone '${zone.name}'.`);
  }
  if (pool.state !== 'Up') {
    throw badParameter(
      parameter,
      `names pool '${pool.name}', which is in state ${pool.state}; give one that is Up.`,
    );
  }
  if (!pool.inUse) {
    throw badParameter(
      parameter,
      `names pool '${pool.name}' of a single host, and zone '${zone.name}' uses no local storage (updateZone localstorageenabled=true).`,
    );
  }
  if (!pool.served) {
    const advice = 'start a host worker there, or approve the host';
    throw new ApiError(
      apiCodes.capacity,
      `No host that is Up and Enabled mounts pool '${pool.name}': ${advice}.`,
      { parameter, advice },
    );
  }
}

const MAX_NAMES = 10;

const poolsInWords = (pools: readonly DeployablePool[], zone: Place): string =>
  pools.length > MAX_NAMES
    ? `${pools.length} pools of zone '${zone.name}'`
    : pools.map(({ name }) => name).join(', ');

export const recordPreparation = (
  { db, caller }: CommandContext,
  template: Template,
  where: string,
): Promise<void> =>
  recordCallerEvent(
    { db, caller },
    {
      type: eventType(template, 'PREPARE'),
      state: 'Scheduled',
      description: `${titleOf(template)} is to be deployed to ${where}`,
      resourceType: resourceTypeOf(template),
      resourceUuid: template.uuid,
    },
  );
