/** Hosts: who they are, whether they live, and which of them can do something. */
import { sql } from 'kysely';
import type { HostReport } from '../model/payloads.ts';
import type { ResourceState } from '../model/states.ts';
import type { Database, Queryable } from './database.ts';
import { removeOrphanedPools } from './pools.ts';
import { isSettled } from './settled.ts';

/** Seconds without a sign of life after which a host counts as Down. */
export const UP_SECONDS = 35;

/** Whether a row of `host` is Up: the one definition. Worker heartbeats come every 10 s. */
export const isUp = sql<boolean>`coalesce(host.last_seen > now() - make_interval(secs => ${sql.lit(UP_SECONDS)}), false)`;

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

export async function namesOfHosts(db: Queryable): Promise<readonly string[]> {
  const rows = await db.selectFrom('host').select('name').execute();
  return rows.map(({ name }) => name);
}

/** An Up, Enabled KVM host of one of these zones that has its certificates, at random. @param tried hosts not to take */
export const randomHostOf = (
  db: Queryable,
  zoneIds: readonly string[],
  tried: readonly string[],
): Promise<HostAddress | undefined> =>
  db
    .selectFrom('host')
    .innerJoin('data_center', 'data_center.id', 'host.data_center_id')
    .where('host.resource_state', '=', 'Enabled')
    .where('host.hypervisor_type', '=', 'KVM')
    .where(isUp)
    .where(isSettled)
    .where(sql<boolean>`data_center.uuid = any(${zoneIds}::uuid[])`)
    .where(sql<boolean>`host.uuid <> all(${tried}::uuid[])`)
    .select(address)
    .orderBy(sql`random()`)
    .executeTakeFirst();

/** A host that has, or had, a pool. */
export interface PoolHost extends HostAddress {
  readonly up: boolean;
  readonly enabled: boolean;
  readonly mounted: boolean;
  /** It trusts what it is to trust, and nothing else. */
  readonly settled: boolean;
}

export const hostsOfPool = (db: Queryable, poolId: string): Promise<readonly PoolHost[]> =>
  db
    .selectFrom('host')
    .innerJoin('storage_pool_host_ref', 'storage_pool_host_ref.host_id', 'host.id')
    .innerJoin('storage_pool', 'storage_pool.id', 'storage_pool_host_ref.pool_id')
    .where('storage_pool.uuid', '=', poolId)
    .select(address)
    .select((eb) => [
      isUp.as('up'),
      isSettled.as('settled'),
      eb('host.resource_state', '=', 'Enabled').$castTo<boolean>().as('enabled'),
      'storage_pool_host_ref.mounted',
    ])
    .orderBy('host.name')
    .execute();

/** Enabled, Up hosts that have not reported for so long, the longest ago first. */
export const hostsToDescribe = (
  db: Queryable,
  olderThanSeconds: number,
  limit: number,
): Promise<readonly Pick<HostAddress, 'hostId' | 'name'>[]> =>
  db
    .selectFrom('host')
    .leftJoin('storage_pool_host_ref', 'storage_pool_host_ref.host_id', 'host.id')
    .where('host.resource_state', '=', 'Enabled')
    .where(isUp)
    .groupBy('host.id')
    .having((eb) => {
      const reported = eb.fn.min('storage_pool_host_ref.last_updated');
      // One without a pool may have got it mounted meanwhile.
      return eb.or([
        eb(reported, 'is', null),
        eb(reported, '<', sql<Date>`now() - make_interval(secs => ${olderThanSeconds})`),
      ]);
    })
    .orderBy(
      (eb) => eb.fn.min('storage_pool_host_ref.last_updated'),
      (order) => order.asc().nullsLast(),
    )
    .limit(limit)
    .select(['host.uuid as hostId', 'host.name'])
    .execute();

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
  for (const { uuid } of moved) {
    await db
      .updateTable('host')
      .set({ worker_heartbeat: JSON.stringify(listed.get(uuid)), last_seen: sql`now()` })
      .where('uuid', '=', uuid)
      .execute();
  }
  return moved.map(({ uuid }) => uuid);
}

const parseHeartbeats = (text: string): Heartbeats => (text === '' ? {} : (JSON.parse(text) as Heartbeats));

/** Version, programs and problems as the host reported them. */
export async function recordHostFacts(
  tx: Queryable,
  hostId: string,
  { version, programs, problems = [] }: Pick<HostReport, 'version' | 'programs' | 'problems'>,
): Promise<void> {
  await tx
    .updateTable('host')
    .set({ version, programs: JSON.stringify(programs), problems: JSON.stringify(problems) })
    .where('uuid', '=', hostId)
    .execute();
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

/**
 * Forgets a host, its part in pools, and pools that only it had, with the copies on them.
 * @returns names of the pools that went, or undefined when there is no such host
 */
export function removeHost(db: Database, hostId: string): Promise<readonly string[] | undefined> {
  return db.transaction().execute(async (tx) => {
    const pools = await tx
      .selectFrom('storage_pool_host_ref')
      .innerJoin('host', 'host.id', 'storage_pool_host_ref.host_id')
      .where('host.uuid', '=', hostId)
      .select('storage_pool_host_ref.pool_id as id')
      .execute();
    const removed = await tx.deleteFrom('host').where('uuid', '=', hostId).executeTakeFirst();
    if (removed.numDeletedRows === 0n) return undefined;
    return removeOrphanedPools(
      tx,
      pools.map(({ id }) => id),
    );
  });
}
