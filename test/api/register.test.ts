import { sql } from 'kysely';
import { displayUrl } from '../../model/url.ts';
import { createZone } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import { openLab, SIZE, VIRTUAL_SIZE, writeTemplate } from '../labs/api.ts';
import type { Caller, Json, Lab } from '../labs/api.ts';
import { inputs, iso, refusal, template, URL_GIVEN } from './registering.ts';

let lab: Lab;
let second: Place;
beforeAll(async () => {
  lab = await openLab();
  second = await createZone(lab.db, { name: 'zone2' });
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

describe('registerTemplate', () => {
  test('answers the template as CloudStack does, one entry per zone', async () => {
    const answer = await lab.user.ok(
      'registerTemplate',
      template(lab, { checksum: `{SHA-256}${'AB'.repeat(32)}` }),
    );
    expect(answer.count).toBe(1);
    const [entry] = answer.template;
    expect(entry).toMatchObject({
      name: 'debian',
      displaytext: 'debian',
      ispublic: false,
      isfeatured: false,
      isready: true,
      isextractable: false,
      passwordenabled: false,
      sshkeyenabled: false,
      isdynamicallyscalable: false,
      requireshvm: true,
      format: 'QCOW2',
      hypervisor: 'KVM',
      crossZones: false,
      ostypename: 'Other Linux (64-bit)',
      account: 'alice',
      zoneid: lab.zone.uuid,
      zonename: 'zone1',
      status: 'Bypassed Secondary Storage',
      size: VIRTUAL_SIZE,
      physicalsize: SIZE,
      templatetype: 'USER',
      checksum: 'ab'.repeat(32),
      bits: 64,
      arch: 'x86_64',
      directdownload: true,
      deployasis: false,
      url: URL_GIVEN,
      tags: [],
      downloaddetails: [],
      mirror: [
        { url: URL_GIVEN, priority: 1, location: 'de', size: SIZE, ranges: true, reachable: true },
        { url: `${URL_GIVEN}.dead`, reachable: false, reason: 'answered 404' },
      ],
    });
    expect(entry.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/);
    expect(inputs(lab)).toHaveLength(1);
    expect(inputs(lab)[0]).toMatchObject({
      v: 1,
      templateId: entry.id,
      accountId: lab.user.accountUuid,
      userId: lab.user.userUuid,
      checksum: `{SHA-256}${'ab'.repeat(32)}`,
      zoneIds: [lab.zone.uuid],
    });
    expect(inputs(lab)[0]).not.toHaveProperty('sealed');
  });

  test('waits less than 8 s, and leaves room for the answer', async () => {
    await lab.user.ok('registerTemplate', template(lab));
    const [{ args }] = lab.orchestration.asked as Json;
    expect(args[1]).toBeGreaterThan(5000);
    expect(args[1]).toBeLessThan(8000);
  });

  test('stores every parameter', async () => {
    const { ostype } = await lab.admin.ok('listOsTypes', { description: 'Debian GNU/Linux 13' });
    const { template: entries } = await lab.admin.ok(
      'registerTemplate',
      template(lab, {
        format: 'raw',
        displaytext: 'two\nlines',
        ostypeid: ostype[0].id.toUpperCase(),
        ispublic: true,
        isfeatured: 'TRUE',
        isextractable: true,
        passwordenabled: true,
        sshkeyenabled: true,
        requireshvm: false,
        isdynamicallyscalable: true,
        bits: 32,
        arch: 'aarch64',
        templatetag: 'gold',
        deployasis: false,
      }),
    );
    expect(entries[0]).toMatchObject({
      format: 'RAW',
      displaytext: 'two\nlines',
      ostypename: 'Debian GNU/Linux 13',
      ispublic: true,
      isfeatured: true,
      isextractable: true,
      passwordenabled: true,
      sshkeyenabled: true,
      requireshvm: false,
      isdynamicallyscalable: true,
      bits: 32,
      arch: 'aarch64',
      templatetag: 'gold',
    });
  });

  test("answers the code and reason of a host's refusal; only administrators see which host it was", async () => {
    const errortext = 'Cannot download https://images.example.org/debian.qcow2: answered 404';
    const hostid = 'c0ffee00-0000-4000-8000-000000000007';
    lab.orchestration.onRegister = async () => ({
      outcome: 'refused',
      refusal: { v: 1, message: errortext, apiCode: 530, hostName: 'kvm-7', hostId: hostid, urls: [] },
    });
    const codes = { uuidList: [], errorcode: 530, cserrorcode: 4250 };
    const common = {
      ...codes,
      errorkind: 'SourceRefused',
      parameter: 'url',
      advice: expect.any(String) as string,
    };
    const byUser = await lab.user.call('registerTemplate', template(lab));
    expect([byUser.status, byUser.inner]).toEqual([530, { ...common, errortext }]);
    const byAdmin = await lab.admin.call('registerTemplate', template(lab));
    const byHost = { ...common, errortext: `${errortext} (tried by host kvm-7)`, hostid };
    expect([byAdmin.status, byAdmin.inner]).toEqual([530, byHost]);
  });

  test('answers a template that is not ready when there is no verdict in time', async () => {
    lab.orchestration.onRegister = async (input) => {
      await writeTemplate(lab.db, input);
      await lab.db
        .updateTable('vm_template')
        .set({ state: 'NotUploaded', size: 0, virtual_size: 0 })
        .where('uuid', '=', input.templateId)
        .execute();
      return { outcome: 'pending' };
    };
    const { template: entries } = await lab.user.ok('registerTemplate', template(lab));
    expect(entries[0]).toMatchObject({ isready: false, status: 'The URL is being checked' });
    expect(entries[0]).not.toHaveProperty('size');
  });

  test('says how to go on when no registration began in time', async () => {
    lab.orchestration.onRegister = async () => ({ outcome: 'pending' });
    const { status, inner } = await lab.user.call('registerTemplate', template(lab));
    expect([status, inner.errorcode]).toEqual([534, 534]);
    expect(inner.errortext).toContain('see whether Temporal and a control worker run');
  });

  test('limits the registrations under way per account, without delaying other accounts', async () => {
    lab.orchestration.onRegister = async ({ templateId }) => {
      await sql`update vm_template set updated = now() where uuid = ${templateId}`.execute(lab.db);
      return { outcome: 'pending' };
    };
    const busy = await lab.newUser('busy', 'user');
    const register = (who: Caller, at: number) =>
      who.call('registerTemplate', template(lab, { customid: `under way ${at}` }));
    const answered = await Promise.all(Array.from({ length: 23 }, (_, at) => register(busy, at)));
    expect(answered.filter(({ status }) => status === 200)).toHaveLength(20);
    const refused = answered.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(3);
    expect(refused[0]?.inner.errortext).toMatch(/^20 registrations of this account are under way/);
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0);
    const first = answered.findIndex(({ status }) => status === 200);
    expect((await register(busy, first)).status).toBe(200);
    expect((await register(lab.user, 0)).status).toBe(200);
    await sql`delete from vm_template where state = 'NotUploaded'`.execute(lab.db);
    expect((await register(busy, 30)).status).toBe(200);
  });

  test('records an event with the user who called', async () => {
    const { template: entries } = await lab.user.ok('registerTemplate', template(lab));
    const { event } = await lab.admin.ok('listEvents', { resourceid: entries[0].id });
    expect(event).toEqual([
      expect.objectContaining({
        type: 'TEMPLATE.CREATE',
        state: 'Scheduled',
        username: 'alice',
        account: 'alice',
        resourcetype: 'VirtualMachineTemplate',
        workflowid: `template:${entries[0].id}`,
      }),
    ]);
  });
});

describe('registerTemplate, as RegisterTemplateCmdTest of CloudStack has it,', () => {
  test('18: refuses a call without zoneid and zoneids', async () => {
    expect(await refusal(lab, 'registerTemplate', template(lab, { zoneid: undefined }))).toBe(
      'Parameter zoneid or zoneids must be given: the id of a zone, or -1 for all zones.',
    );
  });

  test('19: refuses a call with both zoneid and zoneids', async () => {
    expect(await refusal(lab, 'registerTemplate', template(lab, { zoneids: lab.zone.uuid }))).toBe(
      'Parameter zoneid and zoneids exclude each other; give one of them.',
    );
  });

  test.each(['zoneid', 'zoneids'])('20 and 21: registers in all zones when %s is -1', async (parameter) => {
    const { count, template: entries } = await lab.admin.ok(
      'registerTemplate',
      template(lab, { zoneid: undefined, [parameter]: -1 }),
    );
    expect(count).toBe(2);
    expect(entries.map(({ zonename }: Json) => zonename)).toEqual(['zone1', 'zone2']);
    expect(entries[0].crossZones).toBe(true);
    expect(inputs(lab)[0].allZones).toBe(true);
  });

  test('22: refuses zoneids with -1 beside others', async () => {
    const zoneids = `-1,${lab.zone.uuid}`;
    expect(await refusal(lab, 'registerTemplate', template(lab, { zoneid: undefined, zoneids }))).toBe(
      'Parameter zoneids has -1 (all zones) beside other zones; give -1 alone, or the zones.',
    );
  });

  test('23: registers in the zone of zoneid, or in the zones of zoneids', async () => {
    await lab.admin.ok('registerTemplate', template(lab));
    expect(inputs(lab)[0]).toMatchObject({ zoneIds: [lab.zone.uuid], allZones: false });
    const zoneids = `${second.uuid},${lab.zone.uuid}`;
    const { count } = await lab.admin.ok('registerTemplate', template(lab, { zoneid: undefined, zoneids }));
    expect(count).toBe(2);
  });

  test.each([
    ['KVM', undefined, true],
    ['KVM', false, true],
    ['KVM', true, false],
    ['VMware', true, false],
  ])('24: deployasis on %s is %s', async (hypervisor, deployasis, accepted) => {
    const parameters = template(lab, { hypervisor, deployasis });
    if (accepted) expect((await lab.admin.ok('registerTemplate', parameters)).count).toBe(1);
    else
      expect(await refusal(lab, 'registerTemplate', parameters)).toMatch(/Parameter (deployasis|hypervisor)/);
  });

  test('25: takes the name when displaytext is empty', async () => {
    const { template: entries } = await lab.admin.ok('registerTemplate', template(lab, { displaytext: '' }));
    expect(entries[0].displaytext).toBe('debian');
  });

  test('lets only administrators register in all zones', async () => {
    expect(await refusal(lab, 'registerTemplate', template(lab, { zoneid: -1 }), lab.user)).toContain(
      'only administrators may give',
    );
  });
});

describe('checksums', () => {
  test.each([
    ['34: no prefix means MD5', MD5.toUpperCase(), `{MD5}${MD5}`, MD5],
    ['SHA-1', `{SHA-1}${'a'.repeat(40)}`, `{SHA-1}${'a'.repeat(40)}`, 'a'.repeat(40)],
    ['SHA-224', `{SHA-224}${'b'.repeat(56)}`, `{SHA-224}${'b'.repeat(56)}`, 'b'.repeat(56)],
    ['SHA-512', `{SHA-512}${'C'.repeat(128)}`, `{SHA-512}${'c'.repeat(128)}`, 'c'.repeat(128)],
  ])('%s', async (_what, checksum, stored, shown) => {
    const { template: entries } = await lab.admin.ok('registerTemplate', template(lab, { checksum }));
    expect(inputs(lab)[0].checksum).toBe(stored);
    expect(entries[0].checksum).toBe(shown);
  });
});

describe('URLs', () => {
  test.each([
    'https://images.example.org/download?id=7&X-Amz-Signature=abc',
    'http://192.0.2.1:8080/image',
    'https://images.example.org/list.meta4',
    'https://images.example.org/debian.vhd',
    'nfs://nfs.example.org/images/debian.qcow2',
    'https://[2606:4700::1111]/debian.qcow2',
  ])('the extension does not matter: %s', async (url) => {
    const { template: entries } = await lab.admin.ok('registerTemplate', template(lab, { url }));
    expect(entries[0].url).toBe(displayUrl(url));
  });
});

describe('a repeated call', () => {
  test.each([
    ['customid', { customid: 'build-17' }, {}],
    ['the header', {}, { 'idempotency-key': 'build-18' }],
    ['both', { customid: 'build-19' }, { 'idempotency-key': 'build-19' }],
  ])('by %s registers one template', async (_how, parameters, headers) => {
    const first = await lab.user.ok('registerTemplate', template(lab, parameters), { headers });
    const again = await lab.user.ok('registerTemplate', template(lab, parameters), { headers });
    expect(again.template[0].id).toBe(first.template[0].id);
    expect(inputs(lab)).toHaveLength(1);
  });

  test('joins the workflow of the first while that runs', async () => {
    const once = lab.user.ok('registerTemplate', template(lab, { customid: 'build-20' }));
    const twice = lab.user.ok('registerTemplate', template(lab, { customid: 'build-20' }));
    const [{ template: a }, { template: b }] = await Promise.all([once, twice]);
    expect(a[0].id).toBe(b[0].id);
    expect(new Set(inputs(lab).map(({ templateId }) => templateId)).size).toBe(1);
  });

  test('registers a second template without a key', async () => {
    const first = await lab.user.ok('registerTemplate', template(lab));
    const second_ = await lab.user.ok('registerTemplate', template(lab));
    expect(second_.template[0].id).not.toBe(first.template[0].id);
  });

  test('is recognized by its key within one account only', async () => {
    const mine = await lab.user.ok('registerTemplate', template(lab, { customid: 'shared' }));
    const yours = await lab.other.ok('registerTemplate', template(lab, { customid: 'shared' }));
    expect(yours.template[0].id).not.toBe(mine.template[0].id);
  });

  test('is refused with its key for another image, with two keys at once, and with the key of a deleted template', async () => {
    const { template: entries } = await lab.user.ok('registerTemplate', template(lab, { customid: 'k1' }));
    const other = await lab.user.call(
      'registerTemplate',
      template(lab, { customid: 'k1', url: `${URL_GIVEN}2` }),
    );
    expect([other.status, other.inner.errortext]).toEqual([431, expect.stringContaining('was used before')]);
    const headers = { 'idempotency-key': 'k2' };
    const two = await lab.user.call('registerTemplate', template(lab, { customid: 'k1' }), { headers });
    expect([two.status, two.inner.errortext]).toEqual([
      431,
      expect.stringContaining('Idempotency-Key differ'),
    ]);
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'Inactive', removed: new Date() })
      .where('uuid', '=', entries[0].id)
      .execute();
    const gone = await lab.user.call('registerTemplate', template(lab, { customid: 'k1' }));
    expect([gone.status, gone.inner.errortext]).toEqual([431, expect.stringContaining('was deleted')]);
  });
});

describe('a registration for another account', () => {
  test('is possible for administrators, and the account owns the template', async () => {
    const asked = template(lab, { account: 'alice', customid: 'for alice', ispublic: false });
    const { template: entries } = await lab.admin.ok('registerTemplate', asked);
    expect(entries[0]).toMatchObject({ account: 'alice', accountid: lab.user.accountUuid });
    expect(inputs(lab)[0]).toMatchObject({
      accountId: lab.user.accountUuid,
      userId: lab.admin.userUuid,
    });
    const { id } = entries[0];
    const list = { templatefilter: 'self', ids: id };
    expect((await lab.user.ok('listTemplates', list)).template[0].url).toBe(URL_GIVEN);
    expect(await lab.other.ok('listTemplates', list)).toEqual({});
    const { event } = await lab.user.ok('listEvents', { resourceid: id });
    expect(event[0]).toMatchObject({ username: 'root', account: 'alice' });
    const own = template(lab, { customid: 'for alice' });
    expect((await lab.user.ok('registerTemplate', own)).template[0].id).toBe(id);
  });

  test('is refused for an unknown account, and to users for any but their own', async () => {
    const account = (name: string) => template(lab, { account: name });
    expect(await refusal(lab, 'registerTemplate', account('nobody'))).toContain('there is no such account');
    expect(await refusal(lab, 'registerTemplate', account('bob'), lab.user)).toContain('is not yours');
    expect((await lab.user.ok('registerTemplate', account('alice'))).template[0].account).toBe('alice');
  });
});

describe('registerIso', () => {
  test('answers the ISO', async () => {
    const answer = await lab.user.ok(
      'registerIso',
      iso(lab, { bootable: false, 'details[0].HTTP_HEADER': 'X: y' }),
    );
    expect(Object.keys(answer)).toEqual(['count', 'iso']);
    expect(answer.iso[0]).toMatchObject({
      format: 'ISO',
      bootable: false,
      isready: true,
      directdownload: true,
    });
    expect(inputs(lab)[0]).toMatchObject({ format: 'ISO', bootable: false });
    expect((await lab.user.ok('listIsos', { id: answer.iso[0].id })).count).toBe(1);
  });

  test('makes an ISO bootable by default, and registers it in all zones for -1', async () => {
    const answer = await lab.admin.ok('registerIso', iso(lab, { zoneid: -1 }));
    expect(answer.count).toBe(2);
    expect(answer.iso[0].bootable).toBe(true);
  });
});

test.each(['registerTemplate', 'registerIso'] as const)(
  '%s without directdownload registers for Direct Download',
  async (command) => {
    const made = command === 'registerIso' ? iso : template;
    const answer = await lab.user.ok(command, made(lab, { directdownload: undefined }));
    expect((answer.iso ?? answer.template)[0]).toMatchObject({ isready: true, directdownload: true });
    expect(inputs(lab)).toHaveLength(1);
  },
);

test('a URL that the policy refuses before any host probes it is an event with the rule, without its credentials', async () => {
  for (const [command, parameters, rule] of [
    ['registerTemplate', template(lab, { url: 'ftp://me:sesame@images.example.org/a' }), 'scheme'],
    ['registerTemplate', template(lab, { url: 'https://images.example.org:0/a' }), 'port'],
    ['registerIso', iso(lab, { url: 'nfs://me@images.example.org/a.iso' }), 'credentials'],
  ] as const) {
    await refusal(lab, command, parameters, lab.user);
    const answer = await lab.user.ok('listEvents', {
      type: command === 'registerIso' ? 'ISO.URL.DENY' : 'TEMPLATE.URL.DENY',
    });
    const events = answer.event as readonly Json[];
    const found = events.find(({ description }) => String(description).includes(`(rule ${rule})`));
    expect(found).toMatchObject({ level: 'WARN', account: 'alice' });
    expect(JSON.stringify(events)).not.toContain('sesame');
  }
  expect(await refusal(lab, 'registerTemplate', template(lab, { url: 'images' }))).toContain('is not a URL');
});
