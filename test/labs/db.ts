/**
 * The database lab: a fresh database with an account, a user, a zone and a cluster, to which a test adds hosts, pools
 * and templates.
 */
import { randomUUID } from 'node:crypto';
import { recordPoolReports } from '../../db/pools/pools.ts';
import type { PoolReport } from '../../model/payloads.ts';
import { createOperatorRows } from '../support/operator-rows.ts';
import { freshDatabase } from '../support/postgres.ts';
import { templateRow } from '../support/templates.ts';

export type DbLab = Awaited<ReturnType<typeof openDbLab>>;

export async function openDbLab() {
  const database = await freshDatabase();
  const { db } = database;
  const { account, user, zone, cluster } = await createOperatorRows(db);

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
