/** All that the database holds sealed with the master key, and how it is sealed anew with another one. */
import { sql } from 'kysely';
import type { MasterKey } from '../trust/master-key.ts';
import { keyOfBox, openText, sealText } from '../trust/sealing.ts';
import type { Use } from '../trust/sealing.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

interface SealedColumn {
  readonly table: keyof Tables;
  readonly column: string;
  readonly use: Use;
}

/** Every one of them. The test of the rotation compares it with the columns that there are. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'vm_template', column: 'sealed', use: 'template' },
  { table: 'user', column: 'secret_key_sealed', use: 'user' },
  { table: 'direct_download_certificate', column: 'client_key_sealed', use: 'certificate' },
];

const BATCH = 200;

export interface Resealed {
  /** Rows that were sealed anew. */
  readonly rows: number;
  /** What could not be opened, such as `vm_template 17`: its key is gone, or it is damaged. */
  readonly broken: readonly string[];
}

/**
 * Seals anew what was sealed with another key than the one that seals now. Rows that change meanwhile are left alone;
 * so it can run beside everything else, be interrupted, and be done again.
 */
export async function resealAll(db: Database, masterKey: MasterKey): Promise<Resealed> {
  let rows = 0;
  const broken: string[] = [];
  for (const column of SEALED_COLUMNS) {
    for (let after = 0; ;) {
      const batch = await nextBatch(db, column, after);
      for (const { id, box } of batch) {
        if (keyOfBox(box) === masterKey.kid) continue;
        const text = await openText(masterKey, column.use, box).catch(() => undefined);
        if (text === undefined) broken.push(`${column.table} ${id}`);
        else if (await replaceBox(db, column, { id, box }, await sealText(masterKey, column.use, text)))
          rows += 1;
      }
      const last = batch.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
  }
  return { rows, broken };
}

interface Box {
  readonly id: number;
  readonly box: string;
}

async function nextBatch(
  db: Database,
  { table, column }: SealedColumn,
  after: number,
): Promise<readonly Box[]> {
  const { rows } = await sql<Box>`
    select id, ${sql.ref(column)} as box from ${sql.table(table)}
    where id > ${after} and ${sql.ref(column)} is not null order by id limit ${BATCH}`.execute(db);
  return rows;
}

async function replaceBox(
  db: Database,
  { table, column }: SealedColumn,
  { id, box }: Box,
  fresh: string,
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${fresh}
    where id = ${id} and ${sql.ref(column)} = ${box}`.execute(db);
  return numAffectedRows > 0n;
}

/** Any number will do, if nothing else in the database takes it. */
const ROTATION_LOCK = 7_246_839_104;

/** Runs it while nobody else does, on this database. @returns undefined when somebody does */
export const aloneInRotating = <T>(db: Database, work: () => Promise<T>): Promise<T | undefined> =>
  db.connection().execute(async (connection) => {
    const { rows } = await sql<{ taken: boolean }>`
      select pg_try_advisory_lock(${ROTATION_LOCK}) as taken`.execute(connection);
    if (rows[0]?.taken !== true) return undefined;
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(${ROTATION_LOCK})`.execute(connection);
    }
  });
