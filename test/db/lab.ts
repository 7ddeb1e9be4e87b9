/** A database with one of everything that the rows of a test hang on. */
import { randomUUID } from 'node:crypto';
import { recordPoolReports } from '../../db/pools.ts';
import type { PoolReport } from '../../model/payloads.ts';
import { freshDatabase } from '../support/postgres.ts';
import { templateRow } from '../support/templates.ts';

export type DbLab = Awaited<ReturnType<typeof openDbLab>>;

export async function openDbLab() {
  const database = await freshDatabase();
  const { db } = database;
  const account = await db
    .insertInto('account')
    .values({ account_name: 'admin', role: 'admin' })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  const user = await db
    .insertInto('user')
    .values({ account_id: account.id, username: 'admin' })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  const zone = await db
    .insertInto('data_center')
    .values({ name: 'zone' })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  const cluster = await db
    .insertInto('cluster')
    .values({ name: 'cluster', data_center_id: zone.id })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();

  const addHost = async (name = 'host') => {
    const uuid = randomUUID();
    const row = await db
      .insertInto('host')
      .values({
        uuid,
        name,
        data_center_id: zone.id,
        cluster_id: cluster.id,
        resource_state: 'Enabled',
        signing_key: 's',
        sealing_key: 's',
        programs: '[]',
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id: row.id, uuid };
  };

  const addPool = async (hostId: string, changes: Partial<PoolReport> = {}) => {
    const report: PoolReport = {
      id: randomUUID(),
      name: 'pool',
      type: 'Filesystem',
      scope: 'HOST',
      path: '/pool',
      capacity: 2000,
      free: 1000,
      mounted: true,
      ...changes,
    };
    await recordPoolReports(db, hostId, [report]);
    return report;
  };

  const addTemplate = async () => {
    const uuid = randomUUID();
    const { id } = await db
      .insertInto('vm_template')
      .values({
        ...templateRow(uuid),
        cross_zones: true,
        size: 600,
        virtual_size: 600,
        account_id: account.id,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id, uuid };
  };

  return { db, account, user, zone, cluster, addHost, addPool, addTemplate, close: () => database.close() };
}
