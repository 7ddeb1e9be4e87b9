/** Storage pools, as the hosts that mount them report them. */
import { sql } from 'kysely';
import type { PoolReport } from '../../model/payloads.ts';
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';

type HostRow = Pick<Row<'host'>, 'id' | 'data_center_id' | 'cluster_id' | 'resource_state'>;
type PoolRow = Pick<Row<'storage_pool'>, 'id' | 'name' | 'scope' | 'data_center_id' | 'cluster_id'>;

/**
 * Writes what a host sees of its pools; pools not known yet are made. Reports of hosts that are not known (any more)
 * are dropped.
 */
export async function recordPoolReports(
  tx: Queryable,
  hostId: string,
  reports: readonly PoolReport[],
): Promise<void> {
  const host = await tx
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select(['id', 'data_center_id', 'cluster_id', 'resource_state'])
    .executeTakeFirst();
  if (host === undefined) return;
  // Always in one order, so that two hosts that report the same pools never wait for each other.
  for (const report of reports.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    await recordPoolReport(tx, host, report);
  }
}

async function recordPoolReport(tx: Queryable, host: HostRow, report: PoolReport): Promise<void> {
  const pool = (await lockPool(tx, report.id)) ?? (await createPool(tx, host, report));
  if (pool === undefined) return;
  const others = await othersWith(tx, pool, host);
  // The report of a host that is not admitted (Disabled) is not believed about pools that other hosts have.
  const believed = host.resource_state !== 'Disabled' || others.length === 0;
  const rivals = others.filter(({ mounted, state }) => mounted && (state !== 'Disabled' || !believed));
  const problem = report.problem ?? misplaced(pool, host, rivals[0]);
  const mounted = report.mounted && problem === undefined;
  if (mounted && believed) {
    await tx
      .updateTable('storage_pool')
      .set({
        ...(rivals.length === 0 ? placeOf(host, report) : {}),
        ...spaceOf(report),
      })
      .where('id', '=', pool.id)
      .execute();
  }
  const seen = { local_path: report.path, mounted, problem: problem ?? null };
  await tx
    .insertInto('storage_pool_host_ref')
    .values({ pool_id: pool.id, host_id: host.id, ...seen })
    .onConflict((conflict) =>
      conflict.columns(['pool_id', 'host_id']).doUpdateSet({ ...seen, last_updated: sql`now()` }),
    )
    .execute();
}

/**
 * Rows that refer to the pool may be written meanwhile: whoever wrote one locks the pool's key, and may want the report of the same
 * pool next. Two of them would wait for each other, if this lock excluded those.
 */
const lockPool = (tx: Queryable, poolId: string): Promise<PoolRow | undefined> =>
  tx
    .selectFrom('storage_pool')
    .where('uuid', '=', poolId)
    .select(['id', 'name', 'scope', 'data_center_id', 'cluster_id'])
    .forNoKeyUpdate()
    .executeTakeFirst();

/** Only a host that has it before it can say that there is such a pool. */
async function createPool(tx: Queryable, host: HostRow, report: PoolReport): Promise<PoolRow | undefined> {
  if (!report.mounted) return undefined;
  await tx
    .insertInto('storage_pool')
    .values({
      uuid: report.id,
      name: report.name,
      pool_type: report.type,
      scope: report.scope,
      data_center_id: host.data_center_id,
      cluster_id: report.scope === 'ZONE' ? null : host.cluster_id,
    })
    .onConflict((conflict) => conflict.column('uuid').doNothing())
    .execute();
  return lockPool(tx, report.id);
}

/** Writes what a host sees of a pool that it has worked on: only the space has changed, as a rule. */
export async function recordPool(tx: Queryable, hostId: string, report: PoolReport): Promise<void> {
  if (!(await recordPoolSpace(tx, hostId, report))) await recordPoolReports(tx, hostId, [report]);
}

/**
 * Writes the space of a pool, where all else is as the host reported it before.
 * @returns whether it was
 */
async function recordPoolSpace(tx: Queryable, hostId: string, report: PoolReport): Promise<boolean> {
  if (!report.mounted || report.problem !== undefined) return false;
  const updated = await tx
    .updateTable('storage_pool')
    .from('storage_pool_host_ref as seen')
    .innerJoin('host', 'host.id', 'seen.host_id')
    .whereRef('seen.pool_id', '=', 'storage_pool.id')
    .where('storage_pool.uuid', '=', report.id)
    .where('host.uuid', '=', hostId)
    .where('host.resource_state', '!=', 'Disabled')
    .where('seen.mounted', '=', true)
    .where('seen.problem', 'is', null)
    .where('seen.local_path', '=', report.path)
    .set(spaceOf(report))
    .executeTakeFirst();
  return updated.numUpdatedRows > 0n;
}

const spaceOf = ({ capacity, free, parts }: PoolReport) => ({
  capacity_bytes: capacity,
  free_bytes: free,
  parts: JSON.stringify(parts ?? {}),
  reported: sql<Date>`now()`,
});

interface Other {
  readonly name: string;
  readonly state: Row<'host'>['resource_state'];
  readonly mounted: boolean;
}

const othersWith = (tx: Queryable, pool: PoolRow, host: HostRow): Promise<readonly Other[]> =>
  tx
    .selectFrom('storage_pool_host_ref')
    .innerJoin('host', 'host.id', 'storage_pool_host_ref.host_id')
    .where('pool_id', '=', pool.id)
    .where('host_id', '!=', host.id)
    .select(['host.name', 'host.resource_state as state', 'storage_pool_host_ref.mounted'])
    .orderBy('host.id')
    .execute();

/** A pool that no other host has is what its host says, and moves with it. */
const placeOf = (host: HostRow, { type, scope }: PoolReport) => ({
  pool_type: type,
  scope,
  data_center_id: host.data_center_id,
  cluster_id: scope === 'ZONE' ? null : host.cluster_id,
});

/** Why this host cannot have the pool, although it finds its marker: a copied disk or a mount gone astray. */
function misplaced(pool: PoolRow, host: HostRow, other: Other | undefined): string | undefined {
  if (other === undefined) return undefined;
  if (pool.scope === 'HOST') {
    return `pool ${pool.name} has scope HOST and belongs to host ${other.name}; the marker file here is a copy`;
  }
  if (pool.data_center_id !== host.data_center_id) {
    return `pool ${pool.name} belongs to another zone, that of host ${other.name}`;
  }
  if (pool.scope === 'CLUSTER' && pool.cluster_id !== host.cluster_id) {
    return `pool ${pool.name} has scope CLUSTER and belongs to another cluster, that of host ${other.name}`;
  }
  return undefined;
}

/** Forgets that a host mounts pools other than these; pools that are then on no host and hold nothing go too. */
export async function keepOnlyPools(
  tx: Queryable,
  hostId: number,
  poolIds: readonly string[],
): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    delete from storage_pool_host_ref r using storage_pool p
    where p.id = r.pool_id and r.host_id = ${hostId} and p.uuid <> all(${poolIds}::uuid[])
    returning p.id`.execute(tx);
  await sql`
    delete from storage_pool p where p.id = any(${idsOf(rows)})
      and not exists (select 1 from storage_pool_host_ref r where r.pool_id = p.id)
      and not exists (select 1 from template_spool_ref c where c.pool_id = p.id)
      and not exists (select 1 from volumes v where v.pool_id = p.id)`.execute(tx);
}

/**
 * Removes those of the pools that no host has any more, with the copies on them. Disks on them are lost: their machines start
 * again only after a restore.
 * @returns the names of the pools
 */
export async function removeOrphanedPools(
  tx: Queryable,
  poolIds: readonly number[],
): Promise<readonly string[]> {
  await sql`
    update volumes v set pool_id = null, physical_size = 0,
      state = case when state = 'Creating' then 'Allocated' else 'Destroy' end
    where v.pool_id = any(${poolIds})
      and not exists (select 1 from storage_pool_host_ref r where r.pool_id = v.pool_id)`.execute(tx);
  const { rows } = await sql<{ name: string }>`
    delete from storage_pool p where p.id = any(${poolIds})
      and not exists (select 1 from storage_pool_host_ref r where r.pool_id = p.id)
    returning p.name`.execute(tx);
  return rows.map(({ name }) => name);
}

const idsOf = (rows: readonly { readonly id: number }[]): readonly number[] => rows.map(({ id }) => id);

export interface PoolChanges {
  readonly tags?: readonly string[] | undefined;
  readonly state?: Row<'storage_pool'>['state'];
}

/** What people say of a pool, as against what its hosts report. */
export async function changePool(db: Queryable, uuid: string, { tags, state }: PoolChanges): Promise<void> {
  const values = {
    ...(tags === undefined ? {} : { tags: [...tags] }),
    ...(state === undefined ? {} : { state }),
  };
  if (Object.keys(values).length === 0) return;
  await db.updateTable('storage_pool').set(values).where('uuid', '=', uuid).execute();
}
