/** Long lists: no more queries than short ones, and pages without gaps or duplicates while others register. */
import { addTemplates } from '../../bench/many-templates.ts';
import { isFullRun } from '../support/programs.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

const MANY = isFullRun ? 10_000 : 1000;
/** The bench measures the same with 100,000 templates. */

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await addHost(lab, { name: 'host1', pools: [poolReport('pool1')] });
  await addTemplates(lab.db, 1, 10);
});
afterAll(() => lab.close());

const LISTS: readonly (readonly [command: string, parameters: Parameters])[] = [
  ['listTemplates', { templatefilter: 'all', details: 'all' }],
  ['listTemplates', { templatefilter: 'executable' }],
  ['listTemplates', { templatefilter: 'all', showunique: true, keyword: 'template' }],
  ['listIsos', { isofilter: 'all' }],
  ['listTemplateDeployments', {}],
  ['listTemplateDeployments', { orderby: 'activity', state: 'Ready' }],
  ['getTemplateDeploymentSummary', {}],
  ['listEvents', {}],
  ['listHosts', {}],
  ['listStoragePools', {}],
  ['listTags', {}],
  ['listAccounts', {}],
  ['listAsyncJobs', {}],
  ['listZones', {}],
];

async function queriesOf([command, parameters]: (typeof LISTS)[number]): Promise<number> {
  lab.queries();
  await lab.admin.ok(command, parameters);
  return lab.queries();
}

const allQueries = async (): Promise<readonly number[]> => {
  const counts: number[] = [];
  for (const list of LISTS) counts.push(await queriesOf(list));
  return counts;
};

test('the number of queries of a list does not grow with its rows', async () => {
  const few = await allQueries();
  await addTemplates(lab.db, 11, MANY);
  expect(await allQueries()).toEqual(few);
  expect(Math.max(...few)).toBeLessThan(15);
  expect((await lab.admin.ok('listTemplates', { templatefilter: 'all', page: 1, pagesize: 1 })).count).toBe(
    MANY,
  );
});

test('the count of a list equals the number of its rows under every filter', async () => {
  const { user } = lab;
  await lab.template(user, { name: 'of alice', isPublic: true });
  const zoneid = lab.zone.uuid;
  for (const asked of [
    { templatefilter: 'all', zoneid },
    { templatefilter: 'self' },
    { templatefilter: 'executable', showunique: true },
    { templatefilter: 'executable', zoneid, showunique: true },
    { templatefilter: 'community', keyword: '99' },
    { templatefilter: 'all', name: 'template 7' },
    { templatefilter: 'all', showremoved: true },
  ]) {
    const who = asked.templatefilter === 'all' ? lab.admin : user;
    expect({ asked, rows: (await everyPage(who, 'listTemplates', 'template', asked)).length }).toEqual({
      asked,
      rows: (await who.ok('listTemplates', { ...asked, page: 1, pagesize: 1 })).count ?? 0,
    });
  }
  for (const asked of [
    {},
    { state: 'Failed' },
    { zoneid },
    { keyword: 'template 1' },
    { orderby: 'activity' },
  ]) {
    const rows = await everyPage(lab.admin, 'listTemplateDeployments', 'templatedeployment', asked);
    const { count = 0 } = await lab.admin.ok('listTemplateDeployments', { ...asked, page: 1, pagesize: 1 });
    expect({ asked, rows: rows.length }).toEqual({ asked, rows: count });
  }
});

async function everyPage(
  who: Lab['admin'],
  command: string,
  key: string,
  parameters: Parameters,
  pagesize = 200,
): Promise<readonly Json[]> {
  const rows: Json[] = [];
  for (let page = 1; page < 1000; page += 1) {
    const found = (await who.ok(command, { ...parameters, page, pagesize }))[key] ?? [];
    rows.push(...found);
    if (found.length < pagesize) return rows;
  }
  throw new Error(`${command} does not end`);
}

const idsOf = (rows: readonly Json[]): readonly string[] => rows.map(({ id }) => id as string);

test('pages have no gaps and no duplicates while others register', async () => {
  const filter = { templatefilter: 'all' };
  const before = await everyPage(lab.admin, 'listTemplates', 'template', filter);
  const reading = { isOver: false };
  // Several register at once: templates are begun in one order and become ready in another.
  const registering = [0, 1, 2].map(async (lane) => {
    for (let n = 0; !reading.isOver && n < 200; n += 1) {
      const early = await begin(`begun ${lane} ${n}`);
      await lab.template(lab.user, { name: `meanwhile ${lane} ${n}` });
      await finish(early);
    }
  });
  const ids = idsOf(await everyPage(lab.admin, 'listTemplates', 'template', filter, 20));
  reading.isOver = true;
  await Promise.all(registering);
  expect(new Set(ids).size).toBe(ids.length);
  const seen = new Set(ids);
  expect(before.filter(({ id }) => !seen.has(id as string))).toEqual([]);
});

test('a template that became ready later comes after those already seen, even if it was begun earlier', async () => {
  const early = await begin('early');
  const { templateId: late } = await lab.template(lab.user, { name: 'late' });
  const page = async (number: number): Promise<readonly string[]> =>
    idsOf((await lab.user.ok('listTemplates', { ...mine, page: number, pagesize: 1 })).template ?? []);
  const mine = { templatefilter: 'self', keyword: 'late' };
  expect(await page(1)).toEqual([late]);
  await finish(early);
  await lab.db
    .updateTable('vm_template')
    .set({ display_text: 'not late any more' })
    .where('uuid', '=', early)
    .execute();
  expect([await page(1), await page(2), await page(3)]).toEqual([[late], [early], []]);
});

/** A registration whose URL is still being probed. */
async function begin(name: string): Promise<string> {
  const { templateId } = await lab.template(lab.user, { name });
  await lab.db
    .updateTable('vm_template')
    .set({ state: 'NotUploaded', listed: null })
    .where('uuid', '=', templateId)
    .execute();
  return templateId;
}

const finish = (uuid: string) =>
  lab.db.updateTable('vm_template').set({ state: 'Active' }).where('uuid', '=', uuid).execute();

test('new events do not shift the pages of a list with an end date', async () => {
  const asked = { enddate: '2026-01-01', pagesize: 50 };
  const made = async (): Promise<void> => {
    await lab.db
      .insertInto('event')
      .values({ type: 'X.Y', level: 'INFO', state: 'Completed', description: 'x' })
      .execute();
  };
  await lab.db
    .updateTable('event')
    .set({ created: new Date('2025-12-31') })
    .where('id', 'in', (eb) => eb.selectFrom('event').select('id').orderBy('id').limit(120))
    .execute();
  const ids: string[] = [];
  for (const page of [1, 2, 3]) {
    ids.push(...idsOf((await lab.admin.ok('listEvents', { ...asked, page })).event ?? []));
    await made();
  }
  expect([ids.length, new Set(ids).size]).toEqual([120, 120]);
});
