/** Lists of many: as many queries as for few, and pages without gaps or doubles while others register. */
import { addTemplates } from '../../bench/many-templates.ts';
import { isFullRun } from '../support/programs.ts';
import { addHost, openLab, poolReport } from './lab.ts';
import type { Json, Lab, Parameters } from './lab.ts';

const MANY = isFullRun ? 10_000 : 1000;
/** The full run of the bench has 100,000 of them, and measures. */

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

test('a count is that of the rows, whatever is asked for', async () => {
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

test('pages have no gaps and no doubles while others register', async () => {
  const before = await everyPage(lab.admin, 'listTemplates', 'template', { templatefilter: 'all' });
  const reading = { isOver: false };
  const registering = (async () => {
    for (let n = 0; !reading.isOver && n < 500; n += 1)
      await lab.template(lab.user, { name: `meanwhile ${n}` });
  })();
  const ids = (await everyPage(lab.admin, 'listTemplates', 'template', { templatefilter: 'all' }, 20)).map(
    ({ id }) => id as string,
  );
  reading.isOver = true;
  await registering;
  expect(new Set(ids).size).toBe(ids.length);
  const seen = new Set(ids);
  expect(before.filter(({ id }) => !seen.has(id as string))).toEqual([]);
});
