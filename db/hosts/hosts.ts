/** Hosts: their addresses, whether they are Up, and which of them can take a job. */
import { sql } from 'kysely';
import type { Feature } from '../../model/capabilities.ts';
import * as z from 'zod/mini';
import { readJson } from '../../model/messages/schema.ts';
import type { HostCapabilities, HostReport } from '../../model/payloads.ts';
import type { ResourceState } from '../../model/states.ts';
import type { Database, Queryable } from '../database.ts';
import { removeOrphanedPools } from '../pools/pools.ts';
import { keystoreInSync } from './keystore-sync.ts';

/** Seconds without a sign of life after which a host counts as Down. */
export const UP_SECONDS = 35;

/** Whether a row of `host`, under the name that it has in the query, is Up: the one definition. Worker heartbeats come every 10 s. */
export const isUpAs = (host: string) =>
  sql<boolean>`coalesce(${sql.ref(host)}.last_seen > now() - make_interval(secs => ${sql.lit(UP_SECONDS)}), false)`;
export const isUp = isUpAs('host');

/** Whether a row of `host` heeds a field of jobs. */
export const hasFeature = (feature: Feature) =>
  sql<boolean>`coalesce(host.capabilities -> 'features' ? ${sql.lit(feature)}, false)`;

/** Whether a row of `host`, with its row `r` of a pool, can do quick jobs with the files of the pool now. */
export const canWorkOnFiles = (feature: Feature) =>
  sql<boolean>`(r.mounted and host.resource_state <> 'Disabled' and ${isUp} and ${hasFeature(feature)})`;

/** Whether a row of `host` may get downloads: it is enabled, and so is its cluster. */
export const isEnabled = sql<boolean>`(host.resource_state = 'Enabled' and exists (
  select from cluster where cluster.id = host.cluster_id and cluster.allocation_state = 'Enabled'))`;

/** A host that something can be sent to. */
export interface HostAddress {
  readonly hostId: string;
  readonly name: string;
  /** X25519, raw, base64url: what is secret is sealed to it. */
  readonly sealingKey: string;
}

const address = ['host.uuid as hostId', 'host.name', 'host.sealing_key as sealingKey'] as const;

/** By which key a host's answers are known, whatever its state; undefined when there is no such host. */
export const signingKeyOf = (
  db: Queryable,
  hostId: string,
): Promise<{ readonly name: string; readonly signingKey: string } | undefined> =>
  db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select(['name', 'signing_key as signingKey'])
    .executeTakeFirst();

export interface AbleHost extends HostAddress {
  readonly capabilities: HostCapabilities | null;
}

/** The Up, Enabled KVM hosts of these zones that have their certificates, at random. @param tried hosts not to take */
export const hostsToProbe = (
  db: Queryable,
  zoneIds: readonly string[],
  tried: readonly string[],
): Promise<readonly AbleHost[]> =>
  db
    .selectFrom('host')
    .innerJoin('data_center', 'data_center.id', 'host.data_center_id')
    .where(isEnabled)
    .where('host.hypervisor_type', '=', 'KVM')
    .where(isUp)
    .where(keystoreInSync)
    .where(sql<boolean>`data_center.uuid = any(${zoneIds}::uuid[])`)
    .where(sql<boolean>`host.uuid <> all(${tried}::uuid[])`)
    .select([...address, 'host.capabilities'])
    .orderBy(sql`random()`)
    .execute();

/** A host that has, or had, a pool. */
export interface PoolHost extends AbleHost {
  readonly up: boolean;
  readonly enabled: boolean;
  readonly mounted: boolean;
  /** Its keystore holds the certificates that it should, and no other (`keystoreInSync`). */
  readonly settled: boolean;
}

export const hostsOfPool = (db: Queryable, poolId: string): Promise<readonly PoolHost[]> =>
  db
    .selectFrom('host')
    .innerJoin('storage_pool_host_ref', 'storage_pool_host_ref.host_id', 'host.id')
    .innerJoin('storage_pool', 'storage_pool.id', 'storage_pool_host_ref.pool_id')
    .where('storage_pool.uuid', '=', poolId)
    .select(address)
    .select([
      isUp.as('up'),
      keystoreInSync.as('settled'),
      isEnabled.as('enabled'),
      'storage_pool_host_ref.mounted',
      'host.capabilities',
    ])
    .orderBy('host.name')
    .execute();

/** Enabled, Up hosts. @param zone id of the zone; absent: of all zones */
export async function countUpHosts(db: Queryable, zone?: number): Promise<number> {
  const { count } = await upHosts(db, zone)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/**
 * Picks Enabled, Up hosts whose last report is older than `olderThanSeconds`, and notes that they are asked now. Hosts
 * take turns: the host whose last report was requested the longest ago comes first, so that silent hosts do not delay the others.
 * @param limit hosts at most
 * @param zone id of the zone; absent: of all zones
 */
export async function takeHostsToDescribe(
  db: Queryable,
  olderThanSeconds: number,
  limit: number,
  zone?: number,
): Promise<readonly Pick<HostAddress, 'hostId' | 'name'>[]> {
  const turn = upHosts(db, zone)
    .where(sql<boolean>`coalesce(reported < now() - make_interval(secs => ${olderThanSeconds}), true)`)
    .orderBy('report_requested', (order) => order.asc().nullsFirst())
    .orderBy('reported', (order) => order.asc().nullsFirst())
    .limit(limit)
    .select('id');
  return db
    .updateTable('host')
    .where('id', 'in', turn)
    .set({ report_requested: sql`clock_timestamp()` })
    .returning(['uuid as hostId', 'name'])
    .execute();
}

function upHosts(db: Queryable, zone: number | undefined) {
  const hosts = db.selectFrom('host').where('host.resource_state', '=', 'Enabled').where(isUp);
  return zone === undefined ? hosts : hosts.where('host.data_center_id', '=', zone);
}

/** Those of these hosts that have no row. */
export async function unknownHosts(db: Queryable, hostIds: readonly string[]): Promise<readonly string[]> {
  if (hostIds.length === 0) return [];
  const { rows } = await sql<{ id: string }>`
    select wanted.id::text as id from unnest(${hostIds}::uuid[]) as wanted (id)
    where not exists (select from host where host.uuid = wanted.id)`.execute(db);
  return rows.map(({ id }) => id);
}

/** Heartbeat times of the workers of one host: worker → time, as the server lists them. */
export type Heartbeats = Readonly<Record<string, string>>;

/**
 * Takes note of heartbeats: a host whose workers moved on since the last look is seen now. What counts is that the
 * time moves, not what it says: it is the host's clock.
 */
export async function recordHeartbeats(
  db: Queryable,
  listed: ReadonlyMap<string, Heartbeats>,
): Promise<readonly string[]> {
  const hosts = await db.selectFrom('host').select(['uuid', 'worker_heartbeat']).execute();
  const moved = hosts.filter(({ uuid, worker_heartbeat }) => {
    const before = parseHeartbeats(worker_heartbeat);
    return Object.entries(listed.get(uuid) ?? {}).some(([worker, time]) => before[worker] !== time);
  });
  const hostIds = moved.map(({ uuid }) => uuid);
  if (hostIds.length === 0) return [];
  // One statement, however many hosts there are: each is seen every ten seconds.
  await sql`
    update host set worker_heartbeat = seen.heartbeat, last_seen = now()
    from unnest(${hostIds}::uuid[], ${hostIds.map((id) => JSON.stringify(listed.get(id)))}::text[]) seen (uuid, heartbeat)
    where host.uuid = seen.uuid`.execute(db);
  return hostIds;
}

const heartbeats = z.record(z.string(), z.string());
/** Empty at first. */
const parseHeartbeats = (json: string): Heartbeats => readJson(heartbeats, json).value ?? {};

type Facts = Pick<HostReport, 'version' | 'programs' | 'capabilities' | 'hypervisor' | 'problems' | 'peer'>;

/** The columns of a row of `host` that hold what the host reports about itself, and the present time as `reported`. */
export const reportedColumns = ({
  version,
  programs,
  capabilities,
  hypervisor,
  problems = [],
  peer,
}: Facts) => ({
  version,
  programs: JSON.stringify(programs),
  capabilities: capabilities === undefined ? null : JSON.stringify(capabilities),
  hypervisor: hypervisor === undefined ? null : JSON.stringify(hypervisor),
  problems: JSON.stringify(problems),
  peer: peer === undefined ? null : JSON.stringify(peer),
  reported: sql<Date>`now()`,
});

/** Version, programs, capabilities, hypervisor, problems and door as the host reported them. */
export async function recordHostFacts(tx: Queryable, hostId: string, report: Facts): Promise<void> {
  await tx.updateTable('host').set(reportedColumns(report)).where('uuid', '=', hostId).execute();
}

/** Admits a host, or lets nothing be sent to it. @returns false when there is no such host */
export async function setResourceState(
  db: Queryable,
  hostId: string,
  state: ResourceState,
): Promise<boolean> {
  const updated = await db
    .updateTable('host')
    .set({ resource_state: state })
    .where('uuid', '=', hostId)
    .executeTakeFirst();
  return updated.numUpdatedRows > 0n;
}

/** Replaces the tags of a host. */
export const setHostTags = (db: Queryable, hostId: string, tags: readonly string[]): Promise<unknown> =>
  db
    .updateTable('host')
    .set({ host_tags: [...tags] })
    .where('uuid', '=', hostId)
    .execute();

export interface RemovedHost {
  /** Names of the pools that went with it. */
  readonly pools: readonly string[];
  /** Number of machines that ran there, as far as was known. */
  readonly machines: number;
}

/**
 * Forgets a host, its part in pools, and pools that only it had, with the copies on them. Whoever removes a host says that its
 * machines do not run any more: they are stopped, and other hosts of their pools may have them.
 * @returns undefined when there is no such host
 */
export function removeHost(db: Database, hostId: string): Promise<RemovedHost | undefined> {
  return db.transaction().execute(async (tx) => {
    const pools = await tx
      .selectFrom('storage_pool_host_ref')
      .innerJoin('host', 'host.id', 'storage_pool_host_ref.host_id')
      .where('host.uuid', '=', hostId)
      .select('storage_pool_host_ref.pool_id as id')
      .execute();
    const stopped = await tx
      .updateTable('vm_instance')
      .set({
        state: 'Stopped',
        power_state: 'PowerUnknown',
        phase: null,
        error_str: 'Its host was removed',
        updated: sql<Date>`now()`,
      })
      .where('removed', 'is', null)
      .where('state', 'in', ['Running', 'Stopping'])
      .where('host_id', 'in', (eb) => eb.selectFrom('host').where('uuid', '=', hostId).select('id'))
      .executeTakeFirst();
    const removed = await tx.deleteFrom('host').where('uuid', '=', hostId).executeTakeFirst();
    if (removed.numDeletedRows === 0n) return undefined;
    const orphans = await removeOrphanedPools(
      tx,
      pools.map(({ id }) => id),
    );
    return { pools: orphans, machines: Number(stopped.numUpdatedRows) };
  });
}
