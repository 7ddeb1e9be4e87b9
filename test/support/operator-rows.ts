/** The rows that an operator creates before anything else: an administrator, a zone and a cluster in it. */
import type { Database } from '../../db/database.ts';

export async function createOperatorRows(
  db: Database,
  names: { readonly zone: string; readonly cluster: string } = { zone: 'zone', cluster: 'cluster' },
) {
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
    .values({ name: names.zone })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  const cluster = await db
    .insertInto('cluster')
    .values({ name: names.cluster, data_center_id: zone.id })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  return { account, user, zone, cluster };
}
