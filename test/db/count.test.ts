/** Counts of lists that are known from before are those of now, whatever was changed meanwhile. */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { sql } from 'kysely';
import { recordEvent } from '../../db/events/events.ts';
import { countOf, foldChanges } from '../../db/count.ts';
import { listDeployments } from '../../db/copies/listing.ts';
import { listEvents } from '../../db/events/listing.ts';
import { listTemplates } from '../../db/templates/listing.ts';
import type { TemplateQuery } from '../../db/templates/listing.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
let accountId: number;
beforeAll(async () => {
  lab = await openDbLab();
  const account = lab.db.selectFrom('account').where('uuid', '=', lab.account.uuid).select('id');
  accountId = (await account.executeTakeFirstOrThrow()).id;
});
afterAll(() => lab.close());

const PAGE = { limit: 1, offset: 0 };
const templates = async (changes: Partial<TemplateQuery> = {}): Promise<number> =>
  (await listTemplates(lab.db, { iso: false, accountId, admin: true, filter: 'all', ...changes }, PAGE))
    .count;
const set = (uuid: string, values: Record<string, unknown>) =>
  lab.db.updateTable('vm_template').set(values).where('uuid', '=', uuid).execute();

test('the count of templates follows creation, zones, changes, sharing, tags and removal', async () => {
  const own = { filter: 'self', admin: false } as const;
  const shared = { filter: 'sharedexecutable', accountId: accountId + 1000, admin: false } as const;
  const tagged = { tags: [{ key: 'a', value: 'b' }] };
  const before = await templates();
  const { uuid, id } = await lab.addTemplate();
  expect(await templates()).toBe(before + 1);
  expect(await templates(own)).toBe(before + 1);
  expect(await templates({ name: 'another' })).toBe(0);
  await set(uuid, { name: 'another' });
  expect(await templates({ name: 'another' })).toBe(1);
  expect(await templates(tagged)).toBe(0);
  await lab.db.insertInto('resource_tag').values({ template_id: id, key: 'a', value: 'b' }).execute();
  expect(await templates(tagged)).toBe(1);
  expect(await templates({ filter: 'community' })).toBe(0);
  await set(uuid, { public: true });
  expect(await templates({ filter: 'community' })).toBe(1);
  const { rows } = await sql<{
    id: number;
  }>`insert into data_center (name) values ('second') returning id`.execute(lab.db);
  const zones = await lab.db
    .selectFrom('template_zone_ref')
    .where('template_id', '=', id)
    .select('id')
    .execute();
  await lab.db
    .insertInto('template_zone_ref')
    .values({ template_id: id, zone_id: rows[0]?.id ?? 0 })
    .execute();
  expect(await templates({ name: 'another' })).toBe(Math.max(1, zones.length + 1));
  expect(await templates({ name: 'another', unique: true })).toBe(1);
  await lab.db.deleteFrom('template_zone_ref').where('template_id', '=', id).execute();
  expect(await templates({ name: 'another' })).toBe(1);
  expect(await templates(shared)).toBe(0);
  await set(uuid, { removed: new Date() });
  expect(await templates()).toBe(before);
});

test('what another transaction has not committed does not count, and counts as soon as it has', async () => {
  const before = await templates();
  const { uuid } = await lab.addTemplate();
  await lab.db.transaction().execute(async (tx) => {
    await tx.updateTable('vm_template').set({ removed: new Date() }).where('uuid', '=', uuid).execute();
    expect(await templates()).toBe(before + 1);
  });
  expect(await templates()).toBe(before);
});

test('the counts of copies and events follow every change', async () => {
  const copies = async (): Promise<readonly number[]> => [
    (await listDeployments(lab.db, {}, PAGE)).count,
    (await listDeployments(lab.db, { state: 'Failed' }, PAGE)).count,
  ];
  const [all = 0, failed = 0] = await copies();
  const host = await lab.addHost();
  const { id: poolId } = await lab.addPool(host.uuid, { name: 'pool' });
  const { uuid: templateId } = await lab.addTemplate();
  const { copyId } = await openCopy(lab.db, { templateId, poolId }, 'a workflow', PROTOCOLS);
  expect(await copies()).toEqual([all + 1, failed]);
  await lab.db
    .updateTable('template_spool_ref')
    .set({ state: 'Failed' })
    .where('uuid', '=', copyId)
    .execute();
  expect(await copies()).toEqual([all + 1, failed + 1]);
  await lab.db.deleteFrom('template_spool_ref').where('uuid', '=', copyId).execute();
  expect(await copies()).toEqual([all, failed]);

  const events = async (): Promise<number> => (await listEvents(lab.db, {}, PAGE)).count;
  const before = await events();
  await recordEvent(lab.db, {
    type: 'TEMPLATE.CREATE',
    description: 'one more',
    userUuid: lab.user.uuid,
    accountUuid: lab.account.uuid,
    resourceType: 'VirtualMachineTemplate',
    resourceUuid: templateId,
  });
  expect(await events()).toBe(before + 1);
});

test('nothing is counted twice while nothing is changed; folding changes forgets nothing', async () => {
  const all = (name: string) =>
    countOf(
      lab.db,
      'template',
      lab.db
        .selectFrom('vm_template as t')
        .where('t.name', '=', name)
        .select(({ fn }) => fn.countAll<number>().as('count')),
    );
  expect(await all('folded')).toBe(0);
  const { uuid: unnoticed } = await lab.addTemplate();
  expect(await all('folded')).toBe(0);
  await sql`alter table vm_template disable trigger note_change`.execute(lab.db);
  await set(unnoticed, { name: 'folded' });
  expect(await all('folded')).toBe(0);
  await set(unnoticed, { name: 'unnoticed' });
  await sql`alter table vm_template enable trigger note_change`.execute(lab.db);
  for (let n = 0; n < 30; n += 1) {
    const { uuid } = await lab.addTemplate();
    await set(uuid, { name: 'folded' });
  }
  expect(await all('folded')).toBe(30);
  expect(await foldChanges(lab.db, 10)).toBe(10);
  expect(await all('folded')).toBe(30);
  await foldChanges(lab.db, 1000);
  const left = await lab.db.selectFrom('list_change').where('subject', '=', 'template').selectAll().execute();
  expect(left).toHaveLength(1);
  expect(await all('folded')).toBe(30);
  const { uuid } = await lab.addTemplate();
  await set(uuid, { name: 'folded' });
  expect(await all('folded')).toBe(31);
});
