/** What looks found on pools that no row needs: leftovers, and files that nobody knows. */
import { sql } from 'kysely';
import { findingOf } from '../../model/pool-files.ts';
import type { KeptFile, ListedFile, PoolFile, PoolRows } from '../../model/pool-files.ts';
import type { Database, Queryable } from '../database.ts';
import { recordEvent } from '../events/events.ts';
import { containing, type Listing, type Page } from '../page.ts';
import type { Row } from '../tables.ts';

export interface Look {
  readonly poolId: string;
  /** UUID of the look. */
  readonly look: string;
}

export type FoundFile = ListedFile & Pick<PoolFile, 'size'>;

/**
 * Compares listed files with the rows of the pool, and notes what no row needs.
 * @returns the leftovers
 */
export function recordFiles(
  db: Database,
  { poolId, look }: Look,
  files: readonly PoolFile[],
): Promise<readonly FoundFile[]> {
  return db.transaction().execute(async (tx) => {
    const pool = await tx
      .selectFrom('storage_pool')
      .where('uuid', '=', poolId)
      .select('id')
      .executeTakeFirst();
    if (pool === undefined) return [];
    const rows = await rowsOfPool(
      tx,
      pool.id,
      files.flatMap(({ id }) => id ?? []),
    );
    const found = files.flatMap((file) => {
      const finding = findingOf(file, rows);
      return finding === 'known' ? [] : [{ file, finding }];
    });
    if (found.length > 0)
      await tx
        .insertInto('storage_pool_file')
        .values(
          found.map(({ file: { name, role, id, type, inode, size, physicalSize, modified }, finding }) => ({
            pool_id: pool.id,
            name,
            inode,
            finding,
            role,
            subject: id ?? null,
            file_type: type,
            size,
            physical_size: physicalSize,
            modified,
            look,
          })),
        )
        .onConflict((conflict) =>
          conflict.columns(['pool_id', 'name']).doUpdateSet((eb) => ({
            inode: eb.ref('excluded.inode'),
            finding: eb.ref('excluded.finding'),
            role: eb.ref('excluded.role'),
            subject: eb.ref('excluded.subject'),
            file_type: eb.ref('excluded.file_type'),
            size: eb.ref('excluded.size'),
            physical_size: eb.ref('excluded.physical_size'),
            modified: eb.ref('excluded.modified'),
            look: eb.ref('excluded.look'),
            // Another file of the same name is another finding.
            uuid: sql`case when ${isSameFile} then storage_pool_file.uuid else gen_random_uuid() end`,
            found: sql`case when ${isSameFile} then storage_pool_file.found else now() end`,
            reported: sql`storage_pool_file.reported and ${isSameFile}`,
          })),
        )
        .execute();
    return found.flatMap(({ file: { name, inode, size }, finding }) =>
      finding === 'leftover' ? [{ name, inode, size }] : [],
    );
  });
}

/** Whether a name still has the file that it had at the last look. */
const isSameFile = sql<boolean>`storage_pool_file.inode = excluded.inode`;

async function rowsOfPool(tx: Queryable, poolId: number, ids: readonly string[]): Promise<PoolRows> {
  if (ids.length === 0) return { copies: new Map(), disks: new Map() };
  const copies = await tx
    .selectFrom('template_spool_ref')
    .where('pool_id', '=', poolId)
    .where(sql<boolean>`uuid = any(${ids}::uuid[])`)
    .select(['uuid', 'state'])
    .execute();
  const disks = await tx
    .selectFrom('volumes')
    .where('pool_id', '=', poolId)
    .where('removed', 'is', null)
    .where(sql<boolean>`uuid = any(${ids}::uuid[])`)
    .select(['uuid', 'state'])
    .execute();
  return {
    copies: new Map(copies.map(({ uuid, state }) => [uuid, state])),
    disks: new Map(disks.map(({ uuid, state }) => [uuid, state])),
  };
}

/** Names in one event. */
const NAMED = 5;

/**
 * Forgets what this look did not find any more, and records an event about unknown files that no event has told of.
 * @param removed number of files that the look had removed
 */
export function endLook(
  db: Database,
  { poolId, look }: Look,
  { removed, workflowId }: { readonly removed: number; readonly workflowId: string },
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const pool = await tx
      .updateTable('storage_pool')
      .set({ looked: sql`now()` })
      .where('uuid', '=', poolId)
      .returning(['id', 'name'])
      .executeTakeFirst();
    if (pool === undefined) return;
    await tx
      .deleteFrom('storage_pool_file')
      .where('pool_id', '=', pool.id)
      .where('look', '!=', look)
      .execute();
    const news = await tx
      .updateTable('storage_pool_file')
      .set({ reported: true })
      .where('pool_id', '=', pool.id)
      .where('finding', '=', 'unknown')
      .where('reported', '=', false)
      .returning(['name', 'size'])
      .execute();
    const resource = { resourceType: 'StoragePool', resourceUuid: poolId, workflowId } as const;
    if (news.length > 0) {
      const names = news.map(({ name }) => name).toSorted();
      const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : '';
      const bytes = news.reduce((sum, { size }) => sum + size, 0);
      await recordEvent(tx, {
        ...resource,
        type: 'STORAGE.POOL.FILE.UNKNOWN',
        level: 'WARN',
        description: `Storage pool '${pool.name}' has what Bypass does not know (${bytes} bytes): ${names.slice(0, NAMED).join(', ')}${more}. It stays until somebody removes it`,
        once: `unknown:${look}`,
      });
    }
    if (removed > 0)
      await recordEvent(tx, {
        ...resource,
        type: 'STORAGE.POOL.CLEANUP',
        description: `${removed === 1 ? '1 file' : `${removed} files`} of ended downloads and of disks that were never finished went from storage pool '${pool.name}'`,
        once: `cleanup:${look}`,
      });
  });
}

/** The files of these ids that a look found on a pool. */
export const filesOf = (
  db: Queryable,
  poolId: string,
  ids: readonly string[],
): Promise<readonly Pick<Row<'storage_pool_file'>, 'uuid' | 'name' | 'inode'>[]> =>
  db
    .selectFrom('storage_pool_file as file')
    .innerJoin('storage_pool as pool', 'pool.id', 'file.pool_id')
    .where('pool.uuid', '=', poolId)
    .where(sql<boolean>`file.uuid = any(${[...ids]}::uuid[])`)
    .select(['file.uuid', 'file.name', 'file.inode'])
    .execute();

/** Which of the files that somebody chose may go now: those that the last look still found, and that no row knows since. */
export async function filesToRemove(
  db: Queryable,
  poolId: string,
  chosen: readonly ListedFile[],
): Promise<{ readonly files: readonly ListedFile[]; readonly kept: readonly KeptFile[] }> {
  const found = await db
    .selectFrom('storage_pool_file as file')
    .innerJoin('storage_pool as pool', 'pool.id', 'file.pool_id')
    .where('pool.uuid', '=', poolId)
    .where(sql<boolean>`file.name = any(${chosen.map(({ name }) => name)}::text[])`)
    .selectAll('file')
    .execute();
  const rows = await rowsOfPool(
    db,
    found[0]?.pool_id ?? 0,
    found.flatMap(({ subject }) => subject ?? []),
  );
  const files: ListedFile[] = [];
  const kept: KeptFile[] = [];
  for (const { name, inode } of chosen) {
    const file = found.find((one) => one.name === name && one.inode === inode);
    const reason = file === undefined ? NOT_FOUND : reasonToKeep(file, rows);
    if (reason === undefined) files.push({ name, inode });
    else kept.push({ name, reason });
  }
  return { files, kept };
}

const NOT_FOUND = 'is none of the files that the last look found: list them again';

function reasonToKeep(file: Row<'storage_pool_file'>, rows: PoolRows): string | undefined {
  const { name, role, subject, inode, size } = file;
  if (file.file_type !== 'file') return `is no regular file but a ${file.file_type}: remove it by hand`;
  const about = {
    name,
    role,
    ...(subject === null ? {} : { id: subject }),
    type: file.file_type,
    inode,
    size,
  };
  const finding = findingOf({ ...about, physicalSize: 0, modified: '' }, rows);
  return finding === 'known' ? 'belongs to a copy or to a disk that Bypass knows' : undefined;
}

/** Forgets files that were removed. */
export async function forgetFiles(tx: Queryable, poolId: string, names: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('storage_pool_file')
    .where('pool_id', '=', sql<number>`(select id from storage_pool where uuid = ${poolId})`)
    .where(sql<boolean>`name = any(${[...names]}::text[])`)
    .execute();
}

export interface PoolFileQuery {
  readonly poolId?: string | undefined;
  readonly zoneId?: string | undefined;
  readonly keyword?: string | undefined;
  readonly finding?: 'unknown' | 'leftover' | undefined;
}

export type PoolFileRow = Row<'storage_pool_file'> & {
  readonly pool_uuid: string;
  readonly pool_name: string;
  readonly zone_uuid: string;
  readonly zone_name: string;
};

export async function listPoolFiles(
  db: Queryable,
  query: PoolFileQuery,
  { limit, offset }: Page,
): Promise<Listing<PoolFileRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count <= offset) return { count, rows: [] };
  const rows = await matching(db, query)
    .selectAll('file')
    .select([
      'pool.uuid as pool_uuid',
      'pool.name as pool_name',
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
    ])
    .orderBy('pool.name')
    .orderBy('file.name')
    .orderBy('file.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

function matching(db: Queryable, { poolId, zoneId, keyword, finding }: PoolFileQuery) {
  let files = db
    .selectFrom('storage_pool_file as file')
    .innerJoin('storage_pool as pool', 'pool.id', 'file.pool_id')
    .innerJoin('data_center as zone', 'zone.id', 'pool.data_center_id');
  if (poolId !== undefined) files = files.where('pool.uuid', '=', poolId);
  if (zoneId !== undefined) files = files.where('zone.uuid', '=', zoneId);
  if (keyword !== undefined) files = files.where('file.name', 'ilike', containing(keyword));
  if (finding !== undefined) files = files.where('file.finding', '=', finding);
  return files;
}
