import { randomUUID } from 'node:crypto';
import { isUniqueViolation } from '../../db/database.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

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

test('a template has at most one BYPASSED row, although its store is NULL', async () => {
  const { id } = await lab.addTemplate();
  await expectUnique(() => lab.db.insertInto('template_store_ref').values({ template_id: id }).execute());
});

test('a template has at most one copy on a pool', async () => {
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

test('a template refers to a zone at most once', async () => {
  const { id } = await lab.addTemplate();
  await expectUnique(() =>
    lab.db.insertInto('template_zone_ref').values({ template_id: id, zone_id: lab.zone.id }).execute(),
  );
});

test('a detail of a template has at most one value', async () => {
  const { id } = await lab.addTemplate();
  await expectUnique(() =>
    lab.db.insertInto('vm_template_details').values({ template_id: id, name: 'a', value: 'b' }).execute(),
  );
});

test('a template has each mirror at most once', async () => {
  const { id } = await lab.addTemplate();
  const mirror = { template_id: id, url: 'http://a/', priority: 1, size: 1, ranges: true, reachable: true };
  await expectUnique(() => lab.db.insertInto('template_mirror').values(mirror).execute());
});

test('a host refers to a pool at most once', async () => {
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

test('UUIDs of hosts and pools are unique', async () => {
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

test('names of zones, accounts and users are unique, and names of clusters within their zone', async () => {
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

test('a try of an attempt is recorded once, and so is an event that is identified', async () => {
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
