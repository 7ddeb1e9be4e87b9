/** The columns that are sealed with the master key, and how they are sealed anew with another key. */
import { type RawBuilder, sql } from 'kysely';
import { keyOfBox, openAtRest, sealAtRest, UNBOUND_PREFIX } from '../trust/at-rest.ts';
import type { SecretOwner } from '../trust/at-rest.ts';
import type { MasterKey } from '../trust/master-key.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

interface SealedColumn {
  readonly table: keyof Tables;
  readonly column: string;
  /** JSON of the `SecretOwner`. */
  readonly owner: RawBuilder<SecretOwner>;
}

const ownerOf = (text: string): RawBuilder<SecretOwner> => sql.raw(`json_build_object(${text})`);

/** Every one of them. The test of the rotation compares it with the columns that there are. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: 'vm_template',
    column: 'sealed',
    owner: ownerOf(
      `'use', 'template', 'template', uuid, 'account', (select uuid from account where id = account_id)`,
    ),
  },
  { table: 'user', column: 'secret_key_sealed', owner: ownerOf(`'use', 'user', 'user', uuid`) },
  { table: 'user', column: 'api_key_sealed', owner: ownerOf(`'use', 'api key', 'user', uuid`) },
  {
    table: 'direct_download_certificate',
    column: 'client_key_sealed',
    owner: ownerOf(`'use', 'certificate', 'certificate', uuid`),
  },
  { table: 'peer_key', column: 'key_sealed', owner: ownerOf(`'use', 'peer key', 'key', uuid`) },
  { table: 'user_data', column: 'user_data_sealed', owner: ownerOf(`'use', 'user data', 'userData', uuid`) },
  { table: 'vm_instance', column: 'user_data_sealed', owner: ownerOf(`'use', 'vm user data', 'vm', uuid`) },
  {
    table: 'vm_instance',
    column: 'user_data_details_sealed',
    owner: ownerOf(`'use', 'vm user data details', 'vm', uuid`),
  },
  {
    table: 'vm_instance',
    column: 'vnc_password_sealed',
    owner: ownerOf(`'use', 'vnc password', 'vm', uuid`),
  },
];

const BATCH = 200;

export interface Resealed {
  /** Rows that were sealed anew. */
  readonly rows: number;
  /** What could not be opened, such as `vm_template 17`: its key is gone, or it is damaged. */
  readonly broken: readonly string[];
}

/**
 * Seals again everything that another key sealed, or that was sealed for no row. Rows that change meanwhile are
 * left alone; so it can run beside everything else, be interrupted, and be done again.
 */
export const resealAll = (db: Database, masterKey: MasterKey): Promise<Resealed> =>
  reseal(db, masterKey, ({ box }) => isUnbound(box) || keyOfBox(box) !== masterKey.kid);

/** Binds to their rows what earlier releases sealed for no row. */
export const bindAll = (db: Database, masterKey: MasterKey): Promise<Resealed> =>
  reseal(db, masterKey, ({ box }) => isUnbound(box), `${UNBOUND_PREFIX}%`);

const isUnbound = (box: string): boolean => box.startsWith(UNBOUND_PREFIX);

/** @param like a pattern of the boxes to look at */
async function reseal(
  db: Database,
  masterKey: MasterKey,
  isOld: (box: Box) => boolean,
  like = '%',
): Promise<Resealed> {
  let rows = 0;
  const broken: string[] = [];
  for (const column of SEALED_COLUMNS) {
    for (let after = 0; ;) {
      const batch = await nextBatch(db, column, { after, like });
      for (const found of batch.filter(isOld)) {
        const { id, owner, box } = found;
        const text = await openAtRest(masterKey, owner, box).catch(() => undefined);
        if (text === undefined) broken.push(`${column.table} ${id}`);
        else if (await replaceBox(db, column, found, await sealAtRest(masterKey, owner, text))) rows += 1;
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
  readonly owner: SecretOwner;
  readonly box: string;
}

async function nextBatch(
  db: Database,
  { table, column, owner }: SealedColumn,
  { after, like }: { readonly after: number; readonly like: string },
): Promise<readonly Box[]> {
  const { rows } = await sql<Box>`
    select id, ${owner} as owner, ${sql.ref(column)} as box from ${sql.table(table)}
    where id > ${after} and ${sql.ref(column)} like ${like} order by id limit ${BATCH}`.execute(db);
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

/** Runs `work` unless another process runs it on this database. @returns undefined when one does */
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
