import { type Migration, type MigrationProvider, Migrator } from 'kysely';
import type { Database } from './database.ts';
import * as initial from './migrations/0001-initial.ts';
import * as compression from './migrations/0002-compression.ts';
import * as hostLimits from './migrations/0003-host-limits.ts';
import * as evidence from './migrations/0004-evidence.ts';
import * as certificates from './migrations/0005-certificates.ts';
import * as urlPolicy from './migrations/0006-url-policy.ts';
import * as sessions from './migrations/0007-sessions.ts';
import * as sharing from './migrations/0009-sharing-and-tags.ts';
import * as poolTags from './migrations/0010-pool-tags.ts';
import * as attemptTimes from './migrations/0008-attempt-times.ts';
import * as secrets from './migrations/0011-secrets.ts';
import * as listIndexes from './migrations/0012-list-indexes.ts';
import * as listChanges from './migrations/0013-list-changes.ts';
import * as ownParts from './migrations/0014-own-parts.ts';
import * as jobsOfResources from './migrations/0015-jobs-of-resources.ts';
import * as listOrder from './migrations/0016-list-order.ts';

/** Every migration, in order. A released one is never edited. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': { up: (db) => initial.up(db) },
  '0002-compression': { up: (db) => compression.up(db) },
  '0003-host-limits': { up: (db) => hostLimits.up(db) },
  '0004-evidence': { up: (db) => evidence.up(db) },
  '0005-certificates': { up: (db) => certificates.up(db) },
  '0006-url-policy': { up: (db) => urlPolicy.up(db) },
  '0007-sessions': { up: (db) => sessions.up(db) },
  '0008-attempt-times': { up: (db) => attemptTimes.up(db) },
  '0009-sharing-and-tags': { up: (db) => sharing.up(db) },
  '0010-pool-tags': { up: (db) => poolTags.up(db) },
  '0011-secrets': { up: (db) => secrets.up(db) },
  '0012-list-indexes': { up: (db) => listIndexes.up(db) },
  '0013-list-changes': { up: (db) => listChanges.up(db) },
  '0014-own-parts': { up: (db) => ownParts.up(db) },
  '0015-jobs-of-resources': { up: (db) => jobsOfResources.up(db) },
  '0016-list-order': { up: (db) => listOrder.up(db) },
};

const provider: MigrationProvider = { getMigrations: () => Promise.resolve(MIGRATIONS) };

/**
 * Brings the schema to the newest version; several processes may call it at once.
 * @throws Error that says which migration failed, or that the database is newer than this program.
 */
export async function migrateToLatest(db: Database): Promise<void> {
  const { error, results } = await new Migrator({ db, provider }).migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  const where =
    failed === undefined ? 'The database could not be brought up to date' : `Migration ${failed} failed`;
  throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
}
