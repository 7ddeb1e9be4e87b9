import { randomUUID } from 'node:crypto';
import { isUniqueViolation } from '../../db/database.ts';
import { openDbLab } from './lab.ts';
import type { DbLab } from './lab.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

async function expectUnique(insert: () => Promise<unknown>): Promise<void> {
  await insert();
  const error: unknown = await insert().catch((reason: unknown) => reason);
  expect(isUniqueViolation(error)).toBe(true);
}

test('one BYPASSED row for a template, though its store is NULL', async () => {
  const { id } = await lab.addTemplate();
  await expectUnique(() => lab.db.insertInto('template_store_ref').values({ template_id: id }).execute());
});

test('one copy of a template on a pool', async () => {
  const template = await lab.addTemplate();
  const host = await lab.addHost();
  const { id } = await lab.addPool(host.uuid);
  const pool = await lab.db
    .selectFrom('storage_pool')
    .where('uuid', '=', id)
    .select('id')
    .executeTakeFirstOrThrow();
  await expectUnique(() =>
    lab.db.insertInto('template_spool_ref').values({ template_id: template.id, pool_id: pool.id }).execute(),
  );
});

test('one reference of a template to a zone', async () => {
  const { id } = await lab.addTemplate();
  await expectUnique(() =>
    lab.db.insertInto('template_zone_ref').values({ template_id: id, zone_id: lab.zone.id }).execute(),
  );
});

test('one value of a detail', async () => {
  const { id } = await lab.addTemplate();
  await expectUnique(() =>
    lab.db.insertInto('vm_template_details').values({ template_id: id, name: 'a', value: 'b' }).execute(),
  );
});

test('one row of a mirror', async () => {
  const { id } = await lab.addTemplate();
  const mirror = { template_id: id, url: 'http://a/', priority: 1, size: 1, ranges: true, reachable: true };
  await expectUnique(() => lab.db.insertInto('template_mirror').values(mirror).execute());
});

test('one part of a host in a pool', async () => {
  const host = await lab.addHost();
  const { id } = await lab.addPool(host.uuid);
  const pool = await lab.db
    .selectFrom('storage_pool')
    .where('uuid', '=', id)
    .select('id')
    .executeTakeFirstOrThrow();
  const again = lab.db
    .insertInto('storage_pool_host_ref')
    .values({ pool_id: pool.id, host_id: host.id, local_path: '/pool', mounted: true });
  const error: unknown = await again.execute().catch((reason: unknown) => reason);
  expect(isUniqueViolation(error)).toBe(true);
});

test('one host, one pool, one template of an id', async () => {
  const uuid = randomUUID();
  const host = {
    uuid,
    name: 'h',
    data_center_id: lab.zone.id,
    cluster_id: lab.cluster.id,
    resource_state: 'Enabled' as const,
    signing_key: 's',
    sealing_key: 's',
    programs: '[]',
  };
  await expectUnique(() => lab.db.insertInto('host').values(host).execute());
  const pool = {
    uuid,
    name: 'p',
    pool_type: 'Filesystem' as const,
    scope: 'HOST' as const,
    data_center_id: lab.zone.id,
  };
  await expectUnique(() => lab.db.insertInto('storage_pool').values(pool).execute());
});

test('one zone, one account, one user of a name; one cluster of a name in a zone', async () => {
  await expectUnique(() => lab.db.insertInto('data_center').values({ name: 'z' }).execute());
  await expectUnique(() =>
    lab.db.insertInto('account').values({ account_name: 'a', role: 'user' }).execute(),
  );
  await expectUnique(() =>
    lab.db.insertInto('user').values({ account_id: lab.account.id, username: 'u' }).execute(),
  );
  await expectUnique(() =>
    lab.db.insertInto('cluster').values({ name: 'c', data_center_id: lab.zone.id }).execute(),
  );
});

test('one row for each try of an attempt, and one event of a name', async () => {
  const template = await lab.addTemplate();
  const host = await lab.addHost();
  const { id } = await lab.addPool(host.uuid);
  const { copy } = await lab.db
    .insertInto('template_spool_ref')
    .values((eb) => ({
      template_id: template.id,
      pool_id: eb.selectFrom('storage_pool').where('uuid', '=', id).select('id'),
    }))
    .returning('id as copy')
    .executeTakeFirstOrThrow();
  const now = new Date();
  const attempt = {
    uuid: randomUUID(),
    copy_id: copy,
    host_name: 'h',
    sequence: 0,
    source: 's',
    started: now,
    ended: now,
    bytes: 0,
  };
  await expectUnique(() => lab.db.insertInto('download_attempt').values(attempt).execute());
  const event = { type: 'T', level: 'INFO', state: 'Completed', description: 'd', once: 'x' } as const;
  await expectUnique(() => lab.db.insertInto('event').values(event).execute());
});
