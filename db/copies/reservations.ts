/** Space on a pool that is reserved for downloads, so that two of them do not count on the same free bytes. */
import { type RawBuilder, sql } from 'kysely';
import type { Room } from '../../model/space.ts';
import { inTransaction } from '../database.ts';
import type { Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';

/**
 * Reserves the bytes that a copy still has to write, if the pool has room for them beside its other reservations. A lock on
 * the pool serializes calls. A copy that gets no room gives up the reservation that it had.
 * @param copyId UUID
 * @param bytes of the whole file
 * @throws NotPossible when the copy is gone
 */
export function reserve(db: Queryable, copyId: string, bytes: number): Promise<Room> {
  return inTransaction(db, async (tx) => {
    const pool = await lockPoolOf(tx, copyId);
    if (pool === undefined) throw new NotPossible('The pool was removed, and the copy with it');
    const { rows } = await sql<{ uuid: string; bytes: number }>`
      select c.uuid, r.bytes from pool_reservation r join template_spool_ref c on c.id = r.copy_id
      where r.pool_id = ${pool.id} and c.uuid <> ${copyId}`.execute(tx);
    // Free bytes exclude what parts hold already; both are of the same report.
    const rest = (uuid: string, planned: number): number => Math.max(0, planned - (pool.parts[uuid] ?? 0));
    const reserved = rows.reduce((sum, row) => sum + rest(row.uuid, row.bytes), 0);
    const needed = rest(copyId, bytes);
    const granted = reserved + needed <= pool.free;
    if (granted) await hold(tx, pool, bytes);
    else await release(tx, copyId);
    return { granted, poolName: pool.name, needed, free: pool.free, reserved };
  });
}

/**
 * Whether a pool has plenty of room by its last report: beside all that is reserved and so many more bytes, a tenth of it is free.
 * So much is not filled within minutes; where it is, the download finds the pool full, and the deployment waits for space.
 */
export const isRoomy = (bytes: number): RawBuilder<boolean> => sql`
  (storage_pool.free_bytes - ${bytes}::bigint - coalesce((
    select sum(r.bytes) from pool_reservation r where r.pool_id = storage_pool.id), 0)
  >= storage_pool.capacity_bytes / 10)`;

interface LockedPool {
  readonly id: number;
  readonly copy: number;
  readonly name: string;
  readonly free: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** As the lock of a report (db/pools/pools.ts): it excludes other reservations and reports, and no rows that refer to the pool. */
const lockPoolOf = (tx: Queryable, copyId: string): Promise<LockedPool | undefined> =>
  tx
    .selectFrom('storage_pool')
    .innerJoin('template_spool_ref', 'template_spool_ref.pool_id', 'storage_pool.id')
    .where('template_spool_ref.uuid', '=', copyId)
    .select([
      'storage_pool.id',
      'template_spool_ref.id as copy',
      'storage_pool.name',
      'storage_pool.free_bytes as free',
      'storage_pool.parts',
    ])
    .forNoKeyUpdate('storage_pool')
    .executeTakeFirst();

async function hold(tx: Queryable, pool: LockedPool, bytes: number): Promise<void> {
  await tx
    .insertInto('pool_reservation')
    .values({ copy_id: pool.copy, pool_id: pool.id, bytes })
    .onConflict((conflict) => conflict.column('copy_id').doUpdateSet({ bytes }))
    .execute();
}

/** Gives up the reservation of a copy. */
export async function release(tx: Queryable, copyId: string): Promise<void> {
  await tx
    .deleteFrom('pool_reservation')
    .where('copy_id', 'in', (eb) =>
      eb.selectFrom('template_spool_ref').where('uuid', '=', copyId).select('id'),
    )
    .execute();
}
