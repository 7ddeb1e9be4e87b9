import { createZone } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import { openLab } from '../labs/api.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
let second: Place;
beforeAll(async () => {
  lab = await openLab();
  second = await createZone(lab.db, { name: 'zone2' });
});
afterAll(() => lab.close());

const ALLOW = 'direct.download.url.allow.cidr';

async function valueOf(parameters: Parameters = {}): Promise<unknown> {
  const { configuration } = await lab.admin.ok('listConfigurations', { name: ALLOW, ...parameters });
  return (configuration as Json[])[0].value;
}

test('settings are listed with their meaning and the value in force', async () => {
  const { count, configuration } = await lab.admin.ok('listConfigurations', { zoneid: lab.zone.uuid });
  expect(configuration).toHaveLength(count);
  expect(
    (configuration as Json[]).find(({ name }) => name === 'direct.download.url.allow.downgrade'),
  ).toEqual({
    name: 'direct.download.url.allow.downgrade',
    value: 'false',
    defaultvalue: 'false',
    category: 'Direct download',
    scope: 'Zone',
    type: 'Boolean',
    description: 'whether https may redirect to http',
    isdynamic: true,
  });
  expect((await lab.admin.ok('listConfigurations', { keyword: 'PROXY' })).count).toBe(4);
  expect((await lab.admin.ok('listConfigurations', { page: 2, pagesize: 5 })).configuration).toHaveLength(5);
});

test('a zone uses its own value, else that for all zones, else the default', async () => {
  const { configuration } = await lab.admin.ok('updateConfiguration', { name: ALLOW, value: '10.0.0.0/8' });
  expect(configuration).toMatchObject({ name: ALLOW, value: '10.0.0.0/8' });
  await lab.admin.ok('updateConfiguration', {
    name: ALLOW,
    value: '10.1.0.0/16, 10.2.0.0/16',
    zoneid: second.uuid,
  });
  expect([
    await valueOf(),
    await valueOf({ zoneid: lab.zone.uuid }),
    await valueOf({ zoneid: second.uuid }),
  ]).toEqual(['10.0.0.0/8', '10.0.0.0/8', '10.1.0.0/16,10.2.0.0/16']);
  await lab.admin.ok('updateConfiguration', { name: ALLOW, value: '10.3.0.0/16', zoneid: second.uuid });
  expect(await valueOf({ zoneid: second.uuid })).toBe('10.3.0.0/16');
  await lab.admin.ok('resetConfiguration', { name: ALLOW, zoneid: second.uuid });
  expect(await valueOf({ zoneid: second.uuid })).toBe('10.0.0.0/8');
  await lab.admin.ok('resetConfiguration', { name: ALLOW });
  expect(await valueOf({ zoneid: second.uuid })).toBe('');
});

test("CloudStack's settings of direct download exist under the same names", async () => {
  const { configuration } = await lab.admin.ok('listConfigurations', { category: 'direct download' });
  expect((configuration as Json[]).map(({ name }) => name as string)).toEqual(
    expect.arrayContaining([
      'direct.download.connect.timeout',
      'direct.download.socket.timeout',
      'direct.download.connection.request.timeout',
      'store.download.follow.redirects',
    ]),
  );
  const name = 'direct.download.socket.timeout';
  const changed = await lab.admin.ok('updateConfiguration', { name, value: '5000' });
  expect(changed.configuration).toMatchObject({ name, value: '5000', type: 'Integer', isdynamic: true });
  const { status } = await lab.admin.call('updateConfiguration', { name, value: '5 s' });
  expect(status).toBe(431);
});

test('each change is an event', async () => {
  await lab.admin.ok('updateConfiguration', { name: ALLOW, value: '10.4.0.0/16', zoneid: second.uuid });
  const { event } = await lab.admin.ok('listEvents', { resourceid: second.uuid, pagesize: 1, page: 1 });
  expect(event[0]).toMatchObject({
    type: 'CONFIGURATION.VALUE.EDIT',
    description: `${ALLOW} was set to '10.4.0.0/16' for zone 'zone2'`,
  });
});

test.each([
  [{ name: 'direct.download.url.allow', value: 'x' }, 'which no setting is called'],
  [{ name: ALLOW, value: '10.0.0.1/8' }, "value is not right: '10.0.0.1/8' is not an address block"],
  [{ name: ALLOW }, 'value'],
  [{ name: 'direct.download.url.http.proxy', value: 'http://u:secret@p' }, 'give it to the hosts'],
  [{ name: ALLOW, value: '10.0.0.0/8', zoneid: '00000000-0000-4000-8000-000000000000' }, 'zoneid'],
])('%j is refused with a sentence', async (parameters, sentence) => {
  const { status, text } = await lab.admin.call('updateConfiguration', parameters);
  expect(status).toBe(431);
  expect(text).toContain(sentence.replaceAll('"', '\\"'));
  expect(text).not.toContain('secret');
});

test('users can neither read nor change settings', async () => {
  for (const command of ['listConfigurations', 'updateConfiguration', 'resetConfiguration']) {
    const { status } = await lab.user.call(command, { name: ALLOW, value: '10.0.0.0/8' });
    expect(status).toBeGreaterThanOrEqual(400);
  }
});
