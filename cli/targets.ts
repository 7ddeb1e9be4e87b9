/** Where `bypass deploy start` deploys to: what each call of prepareTemplate is about. */
import type { Parameters } from './client.ts';
import type { Session } from './command.ts';
import { UsageError } from './errors.ts';
import { findCluster, findZone, listPools, pick } from './lookup.ts';
import type { Image, Named } from './lookup.ts';

/** One call of prepareTemplate. Without pools, cluster and tag: every pool of the zone. */
export interface Target {
  readonly zoneId: string;
  readonly poolIds?: readonly string[];
  readonly clusterId?: string;
  readonly tag?: string;
  /** Copies at a time at most, of a target with many. */
  readonly atOnce?: number;
}

export interface TargetOptions {
  readonly pool?: readonly string[];
  readonly zone?: string;
  readonly cluster?: string;
  readonly tag?: string;
  readonly atOnce?: number;
}

/** Whether it is one pool; all others are roll-outs. */
export const isOnePool = ({ poolIds }: Target): boolean => poolIds?.length === 1;

/** As parameters of prepareTemplate. */
export function parametersOf(target: Target): Parameters {
  const { zoneId, poolIds, clusterId, tag, atOnce } = target;
  if (isOnePool(target)) return { zoneid: zoneId, storageid: poolIds?.[0] };
  return { zoneid: zoneId, storageids: poolIds?.join(','), clusterid: clusterId, tag, atonce: atOnce };
}

/** The given pools, cluster or tag, else the given zone, else every zone of the image. */
export async function targetsOf(
  session: Session,
  image: Image,
  options: TargetOptions,
): Promise<readonly Target[]> {
  const { api } = session;
  const { pool, tag, atOnce } = options;
  if (pool !== undefined && (tag ?? options.cluster) !== undefined)
    throw new UsageError('give pools, or a cluster or a tag, and not both');
  const zone = options.zone === undefined ? undefined : await findZone(api, options.zone);
  if (zone !== undefined) requireZone(image, zone);
  if (pool !== undefined) return poolTargets(session, image, { ...options, pool }, zone);
  const common = {
    ...(tag === undefined ? {} : { tag }),
    ...(atOnce === undefined ? {} : { atOnce }),
  };
  if (options.cluster !== undefined) {
    const { id: clusterId, zoneid, zonename, name } = await findCluster(api, options.cluster);
    if (zone !== undefined && zone.id !== zoneid)
      throw new UsageError(`cluster ${name} is not in zone ${zone.name}`);
    requireZone(image, { id: zoneid, name: zonename });
    return [{ zoneId: zoneid, clusterId, ...common }];
  }
  const zones = zone === undefined ? await zonesWith(session, image, tag) : [zone];
  return zones.map(({ id }) => ({ zoneId: id, ...common }));
}

function requireZone(image: Image, zone: Named): void {
  if (image.zones.some(({ id }) => id === zone.id)) return;
  throw new UsageError(`${image.noun.title} ${image.name} is not in zone ${zone.name}`);
}

/** Of several zones those that have a pool with the tag. */
async function zonesWith(
  { api }: Session,
  { zones }: Image,
  tag: string | undefined,
): Promise<readonly Named[]> {
  if (tag === undefined || zones.length < 2) return zones;
  const pools = await listPools(api);
  const tagged = zones.filter(({ id }) =>
    pools.some(({ zoneid, tags = '' }) => zoneid === id && tags.split(',').includes(tag)),
  );
  return tagged.length === 0 ? zones : tagged;
}

/** Pools of one zone are one target. */
async function poolTargets(
  { api }: Session,
  image: Image,
  { pool, atOnce }: TargetOptions & { readonly pool: readonly string[] },
  zone: Named | undefined,
): Promise<readonly Target[]> {
  const pools = await listPools(api);
  const byZone = new Map<string, string[]>();
  for (const text of pool) {
    const found = pick('storage pool', text, pools);
    const zoneId = zone?.id ?? found.zoneid ?? image.zones[0]?.id;
    if (zoneId === undefined) throw new UsageError(`${image.noun.title} ${image.name} is in no zone`);
    byZone.set(zoneId, [...(byZone.get(zoneId) ?? []), found.id]);
  }
  return [...byZone].map(([zoneId, poolIds]) => ({
    zoneId,
    poolIds,
    ...(atOnce === undefined ? {} : { atOnce }),
  }));
}
