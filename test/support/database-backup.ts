/** A copy of a database as it is now, and the return to it: the files of the database, copied by PostgreSQL itself. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export interface DatabaseBackup {
  /** Puts the copy in the place of the database. Everybody who is connected is cut off. */
  restore(): Promise<void>;
}

/** @param url of the database, as a user who may create databases; everybody who is connected is cut off for a moment */
export async function backUpDatabase(url: string): Promise<DatabaseBackup> {
  const name = new URL(url).pathname.slice(1);
  const backup = `backup_${randomBytes(6).toString('hex')}`;
  await asAdmin(url, async (admin) => {
    await withoutSessions(admin, name, () => admin.query(`create database ${backup} template ${name}`));
  });
  return {
    restore: () =>
      asAdmin(url, async (admin) => {
        await admin.query(`drop database ${name} with (force)`);
        await admin.query(`alter database ${backup} rename to ${name}`);
      }),
  };
}

async function withoutSessions(admin: Client, name: string, work: () => Promise<unknown>): Promise<void> {
  const allow = (yes: boolean) => admin.query(`alter database ${name} allow_connections ${yes}`);
  await allow(false);
  try {
    // PostgreSQL copies no database that a session is using; these end at once.
    await admin.query('select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1', [
      name,
    ]);
    await work();
  } finally {
    await allow(true);
  }
}

async function asAdmin(url: string, work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: Object.assign(new URL(url), { pathname: '/postgres' }).href });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
