/** A separate database with the schema for a test file, on the run's PostgreSQL. */
import { randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { Client } from 'pg';
import { openDatabase } from '../../db/database.ts';
import type { Database } from '../../db/database.ts';
import { migrateToLatest } from '../../db/migrate.ts';

export interface TestDatabase {
  readonly db: Database;
  readonly url: string;
  /** Ends all connections and refuses new ones. @returns a function that allows connections again */
  takeAway(): Promise<() => Promise<void>>;
  /** Closes `db` and drops the database, even if other connections are open. */
  close(): Promise<void>;
}

const TEMPLATE = 'bypass_template';
/** An arbitrary number that no other code locks. */
const TEMPLATE_LOCK = 20_171;

/** @param options.empty whether the database has no tables */
export async function freshDatabase(options: { readonly empty?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin(async (admin) => {
    if (options.empty === true) await admin.query(`create database ${name} template template0`);
    else await copyTemplate(admin, name);
  });
  const url = urlOf(name);
  const db = openDatabase(url);
  return {
    db,
    url,
    async takeAway() {
      const allow = (yes: boolean) =>
        asAdmin((admin) => admin.query(`alter database ${name} allow_connections ${yes}`));
      await allow(false);
      await asAdmin((admin) =>
        admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]),
      );
      return () => allow(true);
    },
    async close() {
      await db.destroy();
      await asAdmin((admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/**
 * Copies a template database, which takes milliseconds. Migrations run only once per test run, in the template. Without
 * fsync, copied files cost half of what copied pages in the log cost.
 */
async function copyTemplate(admin: Client, name: string): Promise<void> {
  // One copy at a time, since PostgreSQL does not copy a database that another session is using.
  await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [TEMPLATE]);
    if (rowCount === 0) await makeTemplate(admin);
    await admin.query(`create database ${name} template ${TEMPLATE} strategy file_copy`);
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

async function makeTemplate(admin: Client): Promise<void> {
  const unfinished = `${TEMPLATE}_unfinished`;
  await admin.query(`drop database if exists ${unfinished} with (force)`);
  await admin.query(`create database ${unfinished} template template0`);
  const db = openDatabase(urlOf(unfinished), { maxConnections: 1 });
  try {
    await migrateToLatest(db);
  } finally {
    await db.destroy();
  }
  await admin.query(`alter database ${unfinished} rename to ${TEMPLATE}`);
}

interface Admin {
  readonly client: Promise<Client>;
  readonly inTurn: LimitFunction;
}

// Test files load this module anew, and share the connection: each costs PostgreSQL a process.
const shared = globalThis as { bypassTestAdmin?: Admin };

async function asAdmin(work: (admin: Client) => Promise<unknown>): Promise<void> {
  const { client, inTurn } = (shared.bypassTestAdmin ??= { client: connectAdmin(), inTurn: pLimit(1) });
  await inTurn(async () => work(await client));
}

/** The connection stays open until the end of the server or of this process, which it does not keep alive. */
async function connectAdmin(): Promise<Client> {
  const client = new Client({ connectionString: urlOf('postgres') });
  client.on('error', () => undefined);
  await client.connect();
  (client as Client & { unref(): void }).unref();
  return client;
}

function urlOf(database: string): string {
  const url = process.env['BYPASS_TEST_DATABASE_URL'];
  if (url === undefined) throw new Error("Jest's global set-up did not run: no PostgreSQL for the tests");
  return Object.assign(new URL(url), { pathname: `/${database}` }).href;
}
