/**
 * Copies that no virtual machine uses and nobody asks for. A look at a pool notes since when a copy is so (`idle_since`); a
 * request for it, and a machine that is placed on it, take the note away. So a copy is never taken for unused for longer
 * than it was.
 *
 * That a copy goes is decided by its removal (removals.ts), in a transaction that locks its row and its jobs: a machine that is
 * placed at the same time, or a caller who asks for it, either comes before and keeps it, or finds it not ready any more, and
 * has it deployed again.
 */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import { isAwaited, lockJobsOf } from '../jobs/jobs.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { usersOfCopy } from './users.ts';

export interface IdleCopy extends CopyUuids {
  readonly copyId: string;
  readonly templateName: string;
  readonly poolName: string;
  /** Bytes that it takes on the pool. */
  readonly size: number;
  /** By the database's clock. */
  readonly idleSince: string;
}

/** Bytes of an unfinished download that lie on the pool. */
const keptBytes = sql<number>`coalesce((storage_pool.parts ->> template_spool_ref.uuid::text)::bigint, 0)`;

/** What takes room of the pool, and no workflow works on. Copies of deleted images go by themselves. */
const mayBeIdle = sql<boolean>`(vm_template.state = 'Active' and (
  template_spool_ref.state = 'Ready'
  or (template_spool_ref.state in ('Failed', 'Allocated') and ${keptBytes} > 0)))`;

/** Notes which copies of a pool are unused. */
export async function noteIdle(db: Queryable, poolId: string): Promise<void> {
  await sql`
    update template_spool_ref set idle_since = case when ${usersOfCopy} = 0 then now() end
    where pool_id = (select id from storage_pool where uuid = ${poolId})
      and (${usersOfCopy} = 0) <> (idle_since is not null)`.execute(db);
}

const copiesOf = (db: Queryable, poolId: string) =>
  db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('storage_pool.uuid', '=', poolId)
    .where(mayBeIdle)
    .where(sql<boolean>`${usersOfCopy} = 0`);

const isIdleFor = (seconds: number) =>
  sql<boolean>`template_spool_ref.idle_since <= now() - make_interval(secs => ${seconds})`;

/**
 * Copies of a pool that nothing has used for so long: those first that nothing has used for the longest time.
 * @param limit copies at most
 * @returns them, and how many more there are
 */
export async function idleCopies(
  db: Queryable,
  poolId: string,
  seconds: number,
  limit: number,
): Promise<{ readonly copies: readonly IdleCopy[]; readonly more: number }> {
  const rows = await copiesOf(db, poolId)
    .where(isIdleFor(seconds))
    .select([
      'template_spool_ref.uuid as copyId',
      'vm_template.uuid as templateId',
      'storage_pool.uuid as poolId',
      'vm_template.name as templateName',
      'storage_pool.name as poolName',
      sql<number>`greatest(template_spool_ref.physical_size, ${keptBytes})`.as('size'),
      sql<string>`template_spool_ref.idle_since::text`.as('idleSince'),
      sql<number>`count(*) over ()`.as('count'),
    ])
    .orderBy('template_spool_ref.idle_since')
    .orderBy('template_spool_ref.id')
    .limit(limit)
    .execute();
  const copies = rows.map(({ count: _count, ...copy }) => copy);
  return { copies, more: (rows[0]?.count ?? 0) - rows.length };
}

/**
 * Whether nothing has used a copy for so long, still.
 * @param tx has locked the row of the copy: a machine that is placed now waits for the transaction
 */
export async function isIdleStill(
  tx: Queryable,
  { copyId, ...copy }: CopyUuids & { readonly copyId: string },
  seconds: number,
): Promise<boolean> {
  await lockJobsOf(tx, copy);
  if (await isAwaited(tx, copy)) return false;
  const still = await copiesOf(tx, copy.poolId)
    .where('template_spool_ref.uuid', '=', copyId)
    .where(isIdleFor(seconds))
    .select('template_spool_ref.id')
    .executeTakeFirst();
  return still !== undefined;
}
