import { Kysely, PostgresDialect, sql, type Logger, type Transaction } from 'kysely';
import { Pool, types as pgTypes } from 'pg';
import { preparingClient } from './prepared.ts';
import type { Tables } from './tables.ts';

export type Database = Kysely<Tables>;
/** The database itself or a transaction on it. */
export type Queryable = Database | Transaction<Tables>;

/** PostgreSQL's `unique_violation`. */
const UNIQUE_VIOLATION = '23505';
/** PostgreSQL's `lock_not_available`. */
const LOCK_NOT_AVAILABLE = '55P03';
const INT8 = 20;

/**
 * A page that is read at random costs hardly more than the next one: the database of a big fleet fits into memory, and lies on
 * flash. By its own default, which is that of disks that turn, PostgreSQL would read a whole table where an index serves.
 */
const PLANNING = 'set random_page_cost = 1.1';

export interface DatabaseOptions {
  readonly maxConnections?: number;
  readonly log?: Logger;
  /** Gets what PostgreSQL says beside answers. */
  readonly onNotice?: (message: string) => void;
}

/**
 * Opens a pool of connections. bigint columns are read as numbers: sizes stay far below 2^53.
 * @param url `postgres://user:password@host:port/database`
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const types = {
    getTypeParser: ((oid: number, format?: 'text') =>
      oid === INT8 ? Number : pgTypes.getTypeParser(oid, format)) as typeof pgTypes.getTypeParser,
  };
  const pool = new Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 10_000,
    types,
  });
  // An idle connection that the server closed is replaced at the next query; without a listener it would end us.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => void client.query(PLANNING).catch(() => undefined));
  // Nor does one that it closes between two statements of a transaction: the next statement fails, and says why.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  const { onNotice } = options;
  if (onNotice !== undefined)
    pool.on('connect', (client) => void client.on('notice', ({ message }) => onNotice(message ?? '')));
  const prepared = {
    connect: async () => preparingClient(await pool.connect()),
    end: () => pool.end(),
  };
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: prepared }),
    ...(options.log === undefined ? {} : { log: options.log }),
  });
}

/** Runs the work in a transaction: that of the caller, or one of its own. */
export const inTransaction = <T>(db: Queryable, work: (tx: Queryable) => Promise<T>): Promise<T> =>
  db.isTransaction ? work(db) : db.transaction().execute(work);

/** Lets statements of a transaction fail (`isLockTimeout`) that wait so long for a lock. @param ms 0: they wait as long as it takes */
export const limitLockWaits = (tx: Queryable, ms: number): Promise<unknown> =>
  sql`select set_config('lock_timeout', ${`${ms}ms`}, true)`.execute(tx);

/** Now, by the one clock that all rows are dated by, as PostgreSQL writes it: to the microsecond. */
export async function databaseTime(db: Queryable): Promise<string> {
  const { rows } = await sql<{ now: string }>`select clock_timestamp()::text as now`.execute(db);
  return rows[0]?.now ?? '';
}

export const isLockTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;

export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
