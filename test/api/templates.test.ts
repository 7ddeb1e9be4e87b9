import { createZone } from '../../db/zones/zones.ts';
import { addHost, deploy, openLab, poolReport, SIZE } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
let ids: Readonly<Record<string, string>>;

beforeAll(async () => {
  lab = await openLab();
  const { user, other, admin } = lab;
  const make = async (name: string, owner: Caller, changes: Json = {}): Promise<string> =>
    (await lab.template(owner, { name, displayText: `the ${name} image`, ...changes })).templateId;
  ids = {
    mine: await make('mine', user, { details: { memory: '512' } }),
    'mine-public': await make('mine-public', user, { isPublic: true }),
    theirs: await make('theirs', other),
    'theirs-public': await make('theirs-public', other, { isPublic: true }),
    featured: await make('featured', admin, { isPublic: true, isFeatured: true }),
    checking: await make('checking', user),
    gone: await make('gone', user),
    iso: await make('iso', user, { format: 'ISO', bootable: false }),
  };
  const set = async (name: string, values: Json): Promise<void> => {
    await lab.db
      .updateTable('vm_template')
      .set(values)
      .where('uuid', '=', ids[name] ?? '')
      .execute();
  };
  await set('checking', { state: 'NotUploaded', size: 0, virtual_size: 0 });
  await set('gone', { state: 'Inactive', removed: new Date() });
});
afterAll(() => lab.close());

const names = async (who: Caller, parameters: Parameters, command = 'listTemplates'): Promise<string[]> => {
  const { template = [], iso = [] } = await who.ok(command, parameters);
  return [...template, ...iso].map(({ name }: Json) => name as string).toSorted();
};

const see = (who: Caller, name: string, more: Parameters = {}) =>
  who.call('listTemplates', { templatefilter: 'executable', id: ids[name], ...more });

const page = (parameters: Parameters) =>
  lab.admin.call('listTemplates', { templatefilter: 'all', ...parameters });

/** The number of database queries that one list takes. */
async function queriesOf(): Promise<number> {
  lab.queries();
  await lab.admin.ok('listTemplates', { templatefilter: 'all', details: 'all' });
  return lab.queries();
}

describe('templatefilter', () => {
  test.each([
    ['featured', ['featured'], ['featured']],
    ['self', ['mine', 'mine-public'], ['featured']],
    ['selfexecutable', ['mine', 'mine-public'], ['featured']],
    ['sharedexecutable', [], []],
    [
      'executable',
      ['featured', 'mine', 'mine-public', 'theirs-public'],
      ['featured', 'mine-public', 'theirs-public'],
    ],
    ['community', ['mine-public', 'theirs-public'], ['mine-public', 'theirs-public']],
  ])('%s', async (templatefilter, forUser, forAdmin) => {
    expect(await names(lab.user, { templatefilter })).toEqual(forUser);
    expect(await names(lab.admin, { templatefilter })).toEqual(forAdmin);
  });

  test('the filter all is for administrators, who see every template except those being checked', async () => {
    expect(await names(lab.admin, { templatefilter: 'ALL' })).toEqual([
      'featured',
      'mine',
      'mine-public',
      'theirs',
      'theirs-public',
    ]);
    expect((await lab.user.call('listTemplates', { templatefilter: 'all' })).status).toBe(531);
  });

  test('an unknown or missing filter is refused', async () => {
    const wrong = await lab.user.call('listTemplates', { templatefilter: 'mine' });
    expect([wrong.status, wrong.inner.errortext]).toEqual([
      431,
      "Parameter templatefilter is 'mine'; give one of featured, self, selfexecutable, sharedexecutable, executable, community, all.",
    ]);
    expect((await lab.user.call('listTemplates')).inner.errortext).toContain(
      'missing parameter templatefilter',
    );
  });

  test('listIsos lists ISOs only, and without a filter those of the account', async () => {
    expect(await names(lab.user, {}, 'listIsos')).toEqual(['iso']);
    expect(await names(lab.other, {}, 'listIsos')).toEqual([]);
    expect(await names(lab.user, { bootable: true }, 'listIsos')).toEqual([]);
    expect(await names(lab.user, { bootable: false, ispublic: false }, 'listIsos')).toEqual(['iso']);
  });
});

describe('a template looked up by id', () => {
  test.each([
    ['user', 'mine', 200],
    ['other', 'mine', 431],
    ['admin', 'mine', 200],
    ['other', 'mine-public', 200],
    ['user', 'checking', 200],
    ['other', 'checking', 431],
    ['admin', 'checking', 431],
  ] as const)('is answered to %s: %s → %i', async (who, name, status) => {
    expect((await see(lab[who], name)).status).toBe(status);
  });

  test('is not ready and has no size while it is being checked', async () => {
    const { inner } = await see(lab.user, 'checking');
    expect(inner.template[0]).toMatchObject({
      name: 'checking',
      isready: false,
      status: 'The URL is being checked',
    });
    expect(inner.template[0]).not.toHaveProperty('size');
  });

  test('is ready even if it is compressed and its size unknown', async () => {
    const { templateId } = await lab.template(lab.user, { name: 'packed', format: 'RAW' });
    await lab.db
      .updateTable('vm_template')
      .set({ compression: 'xz', virtual_size: 0 })
      .where('uuid', '=', templateId)
      .execute();
    const asked = { templatefilter: 'self', id: templateId, isready: true };
    const { template } = await lab.user.ok('listTemplates', asked);
    expect(template[0]).toMatchObject({
      isready: true,
      status: 'Bypassed Secondary Storage',
      physicalsize: SIZE,
    });
    expect(template[0]).not.toHaveProperty('size');
    await lab.db.deleteFrom('vm_template').where('uuid', '=', templateId).execute();
  });

  test('is hidden once it is removed, unless the call asks for removed ones', async () => {
    expect((await see(lab.user, 'gone')).inner).toEqual({});
    const { inner } = await see(lab.user, 'gone', { showremoved: true });
    expect(inner.template[0]).toMatchObject({ name: 'gone', isready: false });
  });

  test('is listed by ids only if the caller may see it', async () => {
    const list = [ids['mine'], ids['theirs'], ids['featured'], 'nonsense'].join(',');
    expect(await names(lab.user, { templatefilter: 'self', ids: list })).toEqual(['featured', 'mine']);
    expect(await names(lab.user, { templatefilter: 'self', ids: 'nonsense' })).toEqual([]);
    const both = await lab.user.call('listTemplates', { templatefilter: 'self', id: ids['mine'], ids: list });
    expect(both.status).toBe(431);
  });

  test('is not found by the id of an ISO', async () => {
    expect((await see(lab.user, 'iso')).inner).toEqual({});
    expect((await lab.user.ok('listIsos', { id: ids['iso']?.toUpperCase() })).count).toBe(1);
  });

  test('shows URL, status and mirrors to its owner and administrators only', async () => {
    const fields = ['url', 'status', 'mirror'];
    const shown = async (who: Caller): Promise<readonly string[]> => {
      const { inner } = await see(who, 'mine-public');
      return fields.filter((field) => field in inner.template[0]);
    };
    expect(await shown(lab.user)).toEqual(fields);
    expect(await shown(lab.admin)).toEqual(fields);
    expect(await shown(lab.other)).toEqual([]);
  });
});

describe('the filters of listTemplates', () => {
  test.each<[Parameters, readonly string[]]>([
    [{ name: 'mine' }, ['mine']],
    [{ keyword: 'PUBLIC' }, ['mine-public', 'theirs-public']],
    [{ keyword: 'the mine' }, ['mine', 'mine-public']],
    [{ keyword: '%' }, []],
    [{ keyword: '_' }, []],
    [{ keyword: '\\' }, []],
    [{ hypervisor: 'kvm', keyword: 'feat' }, ['featured']],
    [{ hypervisor: 'VMware' }, []],
    [{ isready: true, keyword: 'feat' }, ['featured']],
    [{ isready: false, keyword: 'feat' }, ['featured']],
    [{ format: 'raw', keyword: 'feat' }, []],
    [{ format: 'QCOW2', keyword: 'feat' }, ['featured']],
  ])('%j', async (parameters, expected) => {
    expect(await names(lab.user, { templatefilter: 'executable', ...parameters })).toEqual(expected);
  });

  test.each([true, false])('with isready=%s, an ISO that is ready is listed', async (isready) => {
    expect(await names(lab.user, { isready }, 'listIsos')).toEqual(['iso']);
  });

  test('include details and mirrors only when the call asks for them', async () => {
    const plain = (await lab.user.ok('listTemplates', { templatefilter: 'self', name: 'mine' })).template[0];
    expect([plain.details, plain.mirror]).toEqual([undefined, undefined]);
    const full = await lab.user.ok('listTemplates', { templatefilter: 'self', name: 'mine', details: 'all' });
    expect(full.template[0].details).toEqual({ memory: '512' });
    expect(full.template[0].mirror).toHaveLength(2);
    expect(full.template[0].mirror[0].inspection).toMatchObject({ verdict: 'accepted', found: ['qcow2'] });
  });
});

describe('paging of listTemplates', () => {
  test('returns the pages in order, and only the count past the last page', async () => {
    const seen: string[] = [];
    for (const number of [1, 2, 3]) {
      const { inner } = await page({ page: number, pagesize: 2 });
      expect(inner.count).toBe(5);
      seen.push(...inner.template.map(({ name }: Json) => name));
    }
    expect(seen.toSorted()).toEqual(['featured', 'mine', 'mine-public', 'theirs', 'theirs-public']);
    expect((await page({ page: 4, pagesize: 2 })).inner).toEqual({ count: 5 });
  });

  test('takes pagesize=-1 as the largest page, with and without page', async () => {
    for (const parameters of [{ pagesize: -1 }, { page: 3, pagesize: -1 }])
      expect((await page(parameters)).inner.template).toHaveLength(5);
  });

  test('answers an empty list as {}', async () => {
    expect((await page({ name: 'nothing' })).text).toBe('{"listtemplatesresponse":{}}');
  });

  test.each([
    [{ page: 1 }, 'Parameter pagesize is missing'],
    [{ pagesize: 10 }, 'Parameter page is missing'],
    [{ page: 0, pagesize: 10 }, "Parameter page is '0'; give a whole number from 1"],
    [{ page: -1, pagesize: 10 }, "Parameter page is '-1'"],
    [{ page: 1, pagesize: 501 }, "Parameter pagesize is '501'; give a whole number from -1 to 500."],
    [{ page: 1, pagesize: 0 }, 'Parameter pagesize is 0; give 1 to 500, or -1'],
    [{ page: 'one', pagesize: 10 }, "Parameter page is 'one'"],
    [{ page: '1.5', pagesize: 10 }, "Parameter page is '1.5'"],
    [{ page: 99_999_999_999, pagesize: 10 }, "Parameter page is '99999999999'"],
  ])('%j', async (parameters, sentence) => {
    const { status, inner } = await page(parameters);
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining(sentence)]);
  });
});

describe('the zones and pools of a template', () => {
  test('appear as one entry per zone, with the pools of that zone', async () => {
    const second = await createZone(lab.db, { name: 'zone2' });
    const input = await lab.template(lab.user, {
      name: 'everywhere',
      zoneIds: [lab.zone.uuid, second.uuid],
      allZones: true,
    });
    const pool = poolReport('pool1');
    const host = await addHost(lab, { name: 'kvm-1', pools: [pool] });
    const copy = { templateId: input.templateId, poolId: pool.id };
    await deploy(lab, copy, { host, pool });
    const list = async (who: Caller, more: Parameters = {}): Promise<Json> =>
      who.ok('listTemplates', { templatefilter: 'executable', id: input.templateId, ...more });
    const { count, template } = await list(lab.user);
    expect(count).toBe(2);
    expect(template.map(({ zonename }: Json) => zonename)).toEqual(['zone1', 'zone2']);
    expect(template.map(({ downloaddetails }: Json) => downloaddetails)).toEqual([
      [{ datastore: 'pool1', downloadPercent: '100', downloadState: 'DOWNLOADED' }],
      [],
    ]);
    expect((await list(lab.admin)).template[0].downloaddetails).toEqual([
      {
        datastore: 'pool1',
        downloadPercent: '100',
        downloadState: 'DOWNLOADED',
        datastoreId: pool.id,
        datastoreRole: 'Primary',
      },
    ]);
    expect(
      (await list(lab.user, { zoneid: second.uuid })).template.map(({ zoneid }: Json) => zoneid),
    ).toEqual([second.uuid]);
    const unique = await list(lab.user, { showunique: true, zoneid: second.uuid });
    expect([unique.count, unique.template[0].zoneid]).toEqual([1, second.uuid]);
    const [first] = (await list(lab.user, { showunique: true })).template;
    expect([first.zoneid, first.zonename]).toEqual([lab.zone.uuid, 'zone1']);
    expect(first.downloaddetails).toHaveLength(1);
    const deployed = { templatefilter: 'self', showunique: true };
    expect(await names(lab.user, { ...deployed, deploymentstate: 'Ready' })).toEqual(['everywhere']);
    expect(await names(lab.user, { ...deployed, deploymentstate: 'Failed' })).toEqual([]);
    expect(await names(lab.user, { isofilter: 'self', deploymentstate: 'Ready' }, 'listIsos')).toEqual([]);
  });

  test('are read by a number of queries that does not grow with the rows', async () => {
    const few = await queriesOf();
    for (let n = 0; n < 30; n += 1)
      await lab.template(lab.other, { name: `more${n}`, details: { n: String(n) } });
    expect(await queriesOf()).toBe(few);
  });
});
