import { openAtRest } from '../../trust/sealing.ts';
import { createZone } from '../../db/zones.ts';
import type { Place } from '../../db/zones.ts';
import { openLab, SIZE, VIRTUAL_SIZE, writeTemplate } from './lab.ts';
import type { Json, Lab, Parameters } from './lab.ts';

let lab: Lab;
let second: Place;
beforeAll(async () => {
  lab = await openLab();
  second = await createZone(lab.db, { name: 'zone2' });
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const URL_GIVEN = 'https://images.example.org/debian.qcow2';
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

const template = (changes: Parameters = {}): Parameters => ({
  name: 'debian',
  format: 'QCOW2',
  hypervisor: 'KVM',
  url: URL_GIVEN,
  directdownload: true,
  zoneid: lab.zone.uuid,
  ...changes,
});

const iso = (changes: Parameters = {}): Parameters => ({
  name: 'debian iso',
  url: 'https://images.example.org/debian.iso',
  directdownload: true,
  zoneid: lab.zone.uuid,
  ...changes,
});

const inputs = (): readonly Json[] => lab.orchestration.of('register');

/** Counts what a refused call must not have written. */
async function written(): Promise<number> {
  const count = async (table: 'vm_template' | 'event' | 'async_job'): Promise<number> => {
    const row = await lab.db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    return row.n;
  };
  return (await count('vm_template')) + (await count('event')) + (await count('async_job'));
}

/** The sentence of a refusal; nothing was stored, and no workflow asked. */
async function refusal(command: string, parameters: Parameters, who = lab.admin): Promise<string> {
  const before = await written();
  const { status, inner } = await who.call(command, parameters);
  expect([431, 531]).toContain(status);
  expect(inner.errorcode).toBe(status);
  expect(await written()).toBe(before);
  expect(lab.orchestration.asked).toEqual([]);
  return inner.errortext as string;
}

describe('registerTemplate', () => {
  test('answers the template as CloudStack does, one entry per zone', async () => {
    const answer = await lab.user.ok(
      'registerTemplate',
      template({ checksum: `{SHA-256}${'AB'.repeat(32)}` }),
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
    expect(inputs()).toHaveLength(1);
    expect(inputs()[0]).toMatchObject({
      v: 1,
      templateId: entry.id,
      accountId: lab.user.accountUuid,
      userId: lab.user.userUuid,
      checksum: `{SHA-256}${'ab'.repeat(32)}`,
      zoneIds: [lab.zone.uuid],
    });
    expect(inputs()[0]).not.toHaveProperty('sealed');
  });

  test('waits less than 8 s, and leaves room for the answer', async () => {
    await lab.user.ok('registerTemplate', template());
    const [{ args }] = lab.orchestration.asked as Json;
    expect(args[1]).toBeGreaterThan(5000);
    expect(args[1]).toBeLessThan(8000);
  });

  test('all that can be said of it', async () => {
    const { ostype } = await lab.admin.ok('listOsTypes', { description: 'Debian GNU/Linux 13' });
    const { template: entries } = await lab.admin.ok(
      'registerTemplate',
      template({
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

  test('a refusal by the host is told with its code and its reasons', async () => {
    lab.orchestration.onRegister = async () => ({
      outcome: 'refused',
      refusal: {
        v: 1,
        message: 'Cannot download https://images.example.org/debian.qcow2: answered 404',
        apiCode: 530,
        hostName: 'kvm-7',
        urls: [],
      },
    });
    const { status, inner } = await lab.user.call('registerTemplate', template());
    expect([status, inner.errorcode, inner.cserrorcode]).toEqual([530, 530, 4250]);
    expect(inner.errortext).toBe(
      'Cannot download https://images.example.org/debian.qcow2: answered 404 (tried by host kvm-7)',
    );
  });

  test('not decided in time: the template is answered, not ready', async () => {
    lab.orchestration.onRegister = async (input) => {
      await writeTemplate(lab.db, input);
      await lab.db
        .updateTable('vm_template')
        .set({ state: 'NotUploaded', size: 0, virtual_size: 0 })
        .where('uuid', '=', input.templateId)
        .execute();
      return { outcome: 'pending' };
    };
    const { template: entries } = await lab.user.ok('registerTemplate', template());
    expect(entries[0]).toMatchObject({ isready: false, status: 'Processing' });
    expect(entries[0]).not.toHaveProperty('size');
  });

  test('nothing begun in time: the caller is told how to go on', async () => {
    lab.orchestration.onRegister = async () => ({ outcome: 'pending' });
    const { status, inner } = await lab.user.call('registerTemplate', template());
    expect([status, inner.errorcode]).toEqual([534, 534]);
    expect(inner.errortext).toContain('see whether Temporal and a control worker run');
  });

  test('an event says who asked for it', async () => {
    const { template: entries } = await lab.user.ok('registerTemplate', template());
    const { event } = await lab.user.ok('listEvents', { resourceid: entries[0].id });
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

describe('RegisterTemplateCmdTest', () => {
  test('18: zoneid and zoneids both missing', async () => {
    expect(await refusal('registerTemplate', template({ zoneid: undefined }))).toBe(
      'Parameter zoneid or zoneids must be given: the id of a zone, or -1 for all zones.',
    );
  });

  test('19: zoneid and zoneids both given', async () => {
    expect(await refusal('registerTemplate', template({ zoneids: lab.zone.uuid }))).toBe(
      'Parameter zoneid and zoneids exclude each other; give one of them.',
    );
  });

  test.each(['zoneid', 'zoneids'])('20 and 21: %s is -1: all zones', async (parameter) => {
    const { count, template: entries } = await lab.admin.ok(
      'registerTemplate',
      template({ zoneid: undefined, [parameter]: -1 }),
    );
    expect(count).toBe(2);
    expect(entries.map(({ zonename }: Json) => zonename)).toEqual(['zone1', 'zone2']);
    expect(entries[0].crossZones).toBe(true);
    expect(inputs()[0].allZones).toBe(true);
  });

  test('22: zoneids with -1 beside others', async () => {
    const zoneids = `-1,${lab.zone.uuid}`;
    expect(await refusal('registerTemplate', template({ zoneid: undefined, zoneids }))).toBe(
      'Parameter zoneids has -1 (all zones) beside other zones; give -1 alone, or the zones.',
    );
  });

  test('23: only zoneid: that zone; zoneids: those zones', async () => {
    await lab.admin.ok('registerTemplate', template());
    expect(inputs()[0]).toMatchObject({ zoneIds: [lab.zone.uuid], allZones: false });
    const zoneids = `${second.uuid},${lab.zone.uuid}`;
    const { count } = await lab.admin.ok('registerTemplate', template({ zoneid: undefined, zoneids }));
    expect(count).toBe(2);
  });

  test.each([
    ['KVM', undefined, true],
    ['KVM', false, true],
    ['KVM', true, false],
    ['VMware', true, false],
  ])('24: deployasis on %s is %s', async (hypervisor, deployasis, accepted) => {
    const parameters = template({ hypervisor, deployasis });
    if (accepted) expect((await lab.admin.ok('registerTemplate', parameters)).count).toBe(1);
    else expect(await refusal('registerTemplate', parameters)).toMatch(/Parameter (deployasis|hypervisor)/);
  });

  test('25: displaytext empty: the name', async () => {
    const { template: entries } = await lab.admin.ok('registerTemplate', template({ displaytext: '' }));
    expect(entries[0].displaytext).toBe('debian');
  });

  test('all zones are for administrators', async () => {
    expect(await refusal('registerTemplate', template({ zoneid: -1 }), lab.user)).toContain(
      'only administrators may give',
    );
  });
});

describe('bad input: the parameter is named, nothing is stored, nothing is asked', () => {
  const none = '00000000-0000-4000-8000-000000000000';
  test.each<[Parameters, string]>([
    [{ name: undefined }, 'missing parameter name'],
    [{ name: '   ' }, 'Parameter name must be one line of text that is not blank'],
    [{ name: 'a\nb' }, 'Parameter name must be one line'],
    [{ name: 'a\0b' }, 'Parameter name has a control character'],
    [{ name: 'n'.repeat(256) }, 'Parameter name is 256 characters long; at most 255'],
    [{ displaytext: 'd'.repeat(5000) }, 'Parameter displaytext is 5000 characters long'],
    [{ format: undefined }, 'missing parameter format'],
    [{ format: 'VHD' }, "Parameter format is 'VHD'; give QCOW2 or RAW."],
    [{ format: 'ISO' }, 'registerIso'],
    [{ hypervisor: undefined }, 'missing parameter hypervisor'],
    [
      { hypervisor: 'VMware' },
      "Parameter hypervisor is 'VMware': parameter directdownload is only allowed for KVM",
    ],
    [{ directdownload: undefined }, 'Parameter directdownload must be true: there is no secondary storage'],
    [{ directdownload: false }, 'Parameter directdownload must be true'],
    [{ directdownload: 'yes' }, "Parameter directdownload is 'yes'; give true or false."],
    [{ url: undefined }, 'missing parameter url'],
    [{ url: 'debian.qcow2' }, 'Parameter url is not a URL'],
    [{ url: 'ftp://images.example.org/a' }, 'Parameter url has scheme ftp; http and https are taken'],
    [{ url: 'file:///etc/passwd' }, 'Parameter url has scheme file'],
    [{ url: 'nfs://images.example.org/a' }, 'Parameter url has scheme nfs'],
    [{ url: `https://a/${'x'.repeat(2100)}` }, 'Parameter url is 2110 characters long; at most 2048'],
    [
      { url: 'https://u%zz:p@images.example.org/a' },
      'Parameter url has a user name or password that is not percent-encoded',
    ],
    [{ checksum: 'abc' }, 'Parameter checksum is not right: MD5 takes 32 hex digits, not 3'],
    [{ checksum: '{SHA-3}abc' }, "algorithm 'SHA-3' is not one of MD5, SHA-1"],
    [{ checksum: `{}${MD5}` }, "algorithm '' is not one of"],
    [{ checksum: `{SHA-256}${MD5}` }, 'SHA-256 takes 64 hex digits, not 32'],
    [{ checksum: `{MD5}${'g'.repeat(32)}` }, 'MD5 takes hex digits (0-9, a-f) only'],
    [{ zoneid: none }, `Invalid parameter zoneid value=${none}`],
    [{ zoneid: '1' }, 'Invalid parameter zoneid value=1'],
    [{ zoneid: undefined, zoneids: `${none},${none}` }, `Invalid parameter zoneids value=${none}`],
    [{ ostypeid: none }, `Invalid parameter ostypeid value=${none}`],
    [{ ostypeid: 'Debian' }, 'Invalid parameter ostypeid value=Debian'],
    [{ bits: 16 }, "Parameter bits is '16'; give one of 32, 64."],
    [{ arch: 'mips' }, "Parameter arch is 'mips'; give one of x86_64, aarch64."],
    [{ ispublic: '1' }, "Parameter ispublic is '1'"],
    [{ details: 'a=b' }, "Parameter details must be given as details[0].key=value, not as 'details'"],
    [{ 'details[x].a': 'b' }, 'Parameter details must be given as details[0].key=value'],
    [{ 'details.a': 'b' }, 'Parameter details must be given as details[0].key=value'],
    [{ 'details[0].a': 'b', 'details[1].a': 'c' }, 'Parameter details has a twice'],
    [
      { 'details[0].HTTP_HEADER': 'no colon' },
      'Parameter details are not right: detail HTTP_HEADER must be NAME:VALUE',
    ],
    [{ 'details[0].HTTP_HEADER:X Y': 'v' }, 'has a character that names do not have'],
    [{ 'details[0].HTTP_HEADER': 'X Y:v' }, "'X Y' is not the name of an HTTP header"],
    [{ 'details[0].HTTP_HEADER:X': 'a\r\nY: b' }, 'has a control character or line break'],
    [{ 'details[0].HTTP_HEADER:Host': 'evil' }, 'header Host is set by the download itself'],
    [
      { 'details[0].HTTP_HEADER:X': 'a', 'details[1].http_header': 'x:b' },
      'Parameter details names header x twice',
    ],
    [{ customid: 'k'.repeat(300) }, 'Parameter customid is 300 characters long'],
  ])('%j', async (changes, sentence) => {
    const before = await written();
    const { status, inner } = await lab.admin.call('registerTemplate', template(changes));
    expect(inner.errortext).toContain(sentence);
    expect([430, 431]).toContain(status);
    expect(await written()).toBe(before);
    expect(lab.orchestration.asked).toEqual([]);
  });

  test('featured is for administrators', async () => {
    expect(await refusal('registerTemplate', template({ isfeatured: true }), lab.user)).toContain(
      'Parameter isfeatured is true, which only administrators may give',
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
    const { template: entries } = await lab.admin.ok('registerTemplate', template({ checksum }));
    expect(inputs()[0].checksum).toBe(stored);
    expect(entries[0].checksum).toBe(shown);
  });
});

describe('URLs', () => {
  test.each([
    'https://images.example.org/download?id=7&X-Amz-Signature=abc',
    'http://192.0.2.1:8080/image',
    'https://images.example.org/list.meta4',
    'https://images.example.org/debian.vhd',
  ])('the extension does not matter: %s', async (url) => {
    const { template: entries } = await lab.admin.ok('registerTemplate', template({ url }));
    expect(entries[0].url).toBe(url);
  });
});

describe('secrets', () => {
  const secrets = async (): Promise<Json> => openAtRest(lab.masterKey, inputs()[0].sealed as string);

  test('14 and 15: headers in both spellings and at every index; the rest is no header', async () => {
    const { template: entries, count } = await lab.user.ok(
      'registerTemplate',
      template({
        'details[0].HTTP_HEADER:X-First': 'first secret',
        'details[0].cpu.corespersocket': '2',
        'details[3].HTTP_HEADER': 'Authorization: Bearer second:secret',
        'details[7].http_header:X-Third': 'third secret',
        'details[8].key': 'HTTP_HEADER:X-Fourth',
        'details[8].value': 'fourth secret',
        'details[9].Keyboard': 'de',
      }),
    );
    expect(count).toBe(1);
    expect(await secrets()).toEqual({
      v: 1,
      origin: 'https://images.example.org',
      headers: [
        { name: 'X-First', value: 'first secret' },
        { name: 'Authorization', value: 'Bearer second:secret' },
        { name: 'X-Third', value: 'third secret' },
        { name: 'X-Fourth', value: 'fourth secret' },
      ],
    });
    expect(inputs()[0].details).toEqual({ 'cpu.corespersocket': '2', Keyboard: 'de' });
    expect(entries[0].details).toEqual({ 'cpu.corespersocket': '2', Keyboard: 'de' });
  });

  test('credentials leave the URL', async () => {
    const url = 'https://user%40home:p%3Aw@images.example.org:8443/debian.qcow2';
    const { template: entries } = await lab.user.ok('registerTemplate', template({ url }));
    expect(entries[0].url).toBe('https://images.example.org:8443/debian.qcow2');
    expect(inputs()[0].url).toBe('https://images.example.org:8443/debian.qcow2');
    expect(await secrets()).toEqual({
      v: 1,
      origin: 'https://images.example.org:8443',
      headers: [],
      username: 'user@home',
      password: 'p:w',
    });
  });

  test('they are in no answer, no row but sealed, and no other field of the workflow', async () => {
    const word = 'pssst';
    const { text, inner } = await lab.user.call(
      'registerTemplate',
      template({
        url: `https://${word}1:${word}2@images.example.org/a`,
        'details[0].HTTP_HEADER:X-Token': `${word}3`,
        'details[1].HTTP_HEADER': `Cookie:${word}4`,
      }),
    );
    expect(text).not.toContain(word);
    const { id } = inner.template[0];
    const asked = [
      ['listTemplates', { templatefilter: 'self', id }],
      ['listTemplates', { templatefilter: 'self', details: 'all' }],
      ['listEvents', {}],
    ] as const;
    for (const [command, parameters] of asked) {
      expect((await lab.user.call(command, parameters)).text).not.toContain(word);
    }
    expect(JSON.stringify(lab.orchestration.asked)).not.toContain(word);
    for (const table of ['vm_template', 'vm_template_details', 'template_store_ref', 'event'] as const) {
      const rows = await lab.db.selectFrom(table).selectAll().execute();
      expect(JSON.stringify(rows)).not.toContain(word);
    }
  });
});

describe('the same call twice', () => {
  test.each([
    ['customid', { customid: 'build-17' }, {}],
    ['the header', {}, { 'idempotency-key': 'build-18' }],
    ['both', { customid: 'build-19' }, { 'idempotency-key': 'build-19' }],
  ])('by %s: one template', async (_how, parameters, headers) => {
    const first = await lab.user.ok('registerTemplate', template(parameters), { headers });
    const again = await lab.user.ok('registerTemplate', template(parameters), { headers });
    expect(again.template[0].id).toBe(first.template[0].id);
    expect(inputs()).toHaveLength(1);
  });

  test('while the first runs, both join one workflow', async () => {
    const once = lab.user.ok('registerTemplate', template({ customid: 'build-20' }));
    const twice = lab.user.ok('registerTemplate', template({ customid: 'build-20' }));
    const [{ template: a }, { template: b }] = await Promise.all([once, twice]);
    expect(a[0].id).toBe(b[0].id);
    expect(new Set(inputs().map(({ templateId }) => templateId)).size).toBe(1);
  });

  test('without a key, two', async () => {
    const first = await lab.user.ok('registerTemplate', template());
    const second_ = await lab.user.ok('registerTemplate', template());
    expect(second_.template[0].id).not.toBe(first.template[0].id);
  });

  test('a key is one of its account', async () => {
    const mine = await lab.user.ok('registerTemplate', template({ customid: 'shared' }));
    const yours = await lab.other.ok('registerTemplate', template({ customid: 'shared' }));
    expect(yours.template[0].id).not.toBe(mine.template[0].id);
  });

  test('the same key for another image, two keys at once, or a key of what was deleted', async () => {
    const { template: entries } = await lab.user.ok('registerTemplate', template({ customid: 'k1' }));
    const other = await lab.user.call('registerTemplate', template({ customid: 'k1', url: `${URL_GIVEN}2` }));
    expect([other.status, other.inner.errortext]).toEqual([431, expect.stringContaining('was used before')]);
    const headers = { 'idempotency-key': 'k2' };
    const two = await lab.user.call('registerTemplate', template({ customid: 'k1' }), { headers });
    expect([two.status, two.inner.errortext]).toEqual([
      431,
      expect.stringContaining('Idempotency-Key differ'),
    ]);
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'Inactive', removed: new Date() })
      .where('uuid', '=', entries[0].id)
      .execute();
    const gone = await lab.user.call('registerTemplate', template({ customid: 'k1' }));
    expect([gone.status, gone.inner.errortext]).toEqual([431, expect.stringContaining('was deleted')]);
  });
});

describe('registerIso', () => {
  test('answers the ISO', async () => {
    const answer = await lab.user.ok(
      'registerIso',
      iso({ bootable: false, 'details[0].HTTP_HEADER': 'X: y' }),
    );
    expect(Object.keys(answer)).toEqual(['count', 'iso']);
    expect(answer.iso[0]).toMatchObject({
      format: 'ISO',
      bootable: false,
      isready: true,
      directdownload: true,
    });
    expect(inputs()[0]).toMatchObject({ format: 'ISO', bootable: false, sealed: expect.any(String) });
    expect((await lab.user.ok('listIsos', { id: answer.iso[0].id })).count).toBe(1);
  });

  test('bootable when nothing is said; -1 means all zones', async () => {
    const answer = await lab.admin.ok('registerIso', iso({ zoneid: -1 }));
    expect(answer.count).toBe(2);
    expect(answer.iso[0].bootable).toBe(true);
  });

  test.each<[Parameters, string]>([
    [{ zoneid: undefined }, 'missing parameter zoneid'],
    [{ directdownload: undefined }, 'Parameter directdownload must be true'],
    [{ url: 'nfs://h/x.iso' }, 'Parameter url has scheme nfs'],
    [{ checksum: 'zz' }, 'Parameter checksum'],
    [{ bootable: 'maybe' }, "Parameter bootable is 'maybe'"],
  ])('bad input %j', async (changes, sentence) => {
    expect(await refusal('registerIso', iso(changes))).toContain(sentence);
  });
});
