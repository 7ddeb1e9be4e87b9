/** Networks. */
import { randomUUID } from 'node:crypto';
import { openLab } from '../labs/api.ts';
import { done, eventTypesOf, namesOf, refusal } from '../support/calls.ts';
import type { Caller, Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
/** Ids of the offerings that exist from the start, by their names. */
let offerings: Readonly<Record<string, string>>;
const L2 = 'DefaultL2NetworkOffering';
const VLAN = 'DefaultL2NetworkOfferingVlan';
const SHARED = 'DefaultSharedNetworkOffering';

beforeAll(async () => {
  lab = await openLab();
  const { networkoffering } = await lab.user.ok('listNetworkOfferings');
  offerings = Object.fromEntries(networkoffering.map(({ name, id }: Json) => [name, id]));
});
afterAll(() => lab.close());

const parametersOf = (offering: string, more: Parameters = {}): Parameters => ({
  name: `net-${randomUUID().slice(0, 8)}`,
  displaytext: 'a network',
  networkofferingid: offerings[offering] ?? offering,
  zoneid: lab.zone.uuid,
  ...more,
});
const make = async (who: Caller, offering: string, more: Parameters = {}): Promise<Json> =>
  (await who.ok('createNetwork', parametersOf(offering, more))).network;

/** Puts a virtual machine into a network. @returns its display name */
async function addMachine(networkId: string): Promise<string> {
  const { db, user, zone } = lab;
  const { templateId } = await lab.template(user);
  const idOf = async (table: 'networks' | 'vm_template', uuid: string): Promise<number> =>
    (await db.selectFrom(table).where('uuid', '=', uuid).select('id').executeTakeFirstOrThrow()).id;
  const { id } = await db
    .insertInto('vm_instance')
    .values({
      name: 'web1',
      display_name: 'web 1',
      instance_name: `i-2-${randomUUID()}-VM`,
      account_id: user.accountId,
      user_id: user.userId,
      data_center_id: zone.id,
      service_offering_id: 1,
      cpu: 1,
      ram_size: 128,
      template_id: await idOf('vm_template', templateId),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db
    .insertInto('nics')
    .values({
      vm_id: id,
      network_id: await idOf('networks', networkId),
      device_id: 0,
      mac_address: `02:00:${randomUUID()
        .slice(0, 8)
        .replace(/(..)(?=.)/g, '$1:')}`,
    })
    .execute();
  return 'web 1';
}

test('an L2 network of a user is answered without what is unset, and without names of hosts', async () => {
  const network = await make(lab.user, L2, { name: 'Test L2 Network' });
  expect(network).toEqual({
    id: expect.any(String),
    name: 'Test L2 Network',
    displaytext: 'a network',
    type: 'L2',
    state: 'Setup',
    traffictype: 'Guest',
    broadcastdomaintype: 'Native',
    zoneid: lab.zone.uuid,
    zonename: 'zone1',
    networkofferingid: offerings[L2],
    networkofferingname: L2,
    networkofferingdisplaytext: 'Offering for L2 networks',
    networkofferingavailability: 'Optional',
    networkofferingconservemode: true,
    acltype: 'Account',
    account: 'alice',
    domain: 'ROOT',
    domainid: expect.any(String),
    domainpath: 'ROOT',
    related: network.id,
    canusefordeploy: true,
    ispersistent: false,
    isdefault: false,
    issystem: false,
    displaynetwork: true,
    restartrequired: false,
    redundantrouter: false,
    strechedl2subnet: false,
    specifyvlan: false,
    specifyipranges: false,
    service: [],
    tags: [],
    created: expect.any(String),
  });
  expect((await lab.user.ok('listNetworks', { id: network.id, projectid: '-1' })).network).toEqual([network]);
  const { network: shown } = await lab.admin.ok('listNetworks', { id: network.id });
  expect(shown[0].broadcasturi).toBe('vlan://untagged');
  expect(await eventTypesOf(lab, network.id)).toEqual(['NETWORK.CREATE']);
});

test('a shared network of an administrator has addresses and a VLAN, and is for everybody', async () => {
  const network = await make(lab.admin, SHARED, {
    name: 'lan',
    hostnetwork: 'lan',
    vlan: 'vlan://100',
    gateway: '10.1.1.1',
    netmask: '255.255.254.0',
    startip: '10.1.1.10',
    endip: '10.1.1.200',
    ip6gateway: '2001:db8::1',
    ip6cidr: '2001:db8::/64',
    networkdomain: 'lan.example.org',
  });
  expect(network).toMatchObject({
    type: 'Shared',
    acltype: 'Domain',
    hostnetwork: 'lan',
    vlan: '100',
    broadcasturi: 'vlan://100',
    broadcastdomaintype: 'Vlan',
    gateway: '10.1.1.1',
    netmask: '255.255.254.0',
    cidr: '10.1.0.0/23',
    startip: '10.1.1.10',
    endip: '10.1.1.200',
    ip6gateway: '2001:db8::1',
    ip6cidr: '2001:db8::/64',
    networkdomain: 'lan.example.org',
  });
  const { network: seen } = await lab.user.ok('listNetworks', { id: network.id });
  for (const field of ['hostnetwork', 'vlan', 'broadcasturi']) expect(seen[0]).not.toHaveProperty(field);
  expect(seen[0].cidr).toBe('10.1.0.0/23');
  const again = parametersOf(SHARED, { hostnetwork: 'lan', vlan: 100 });
  expect(await refusal(lab.admin, 'createNetwork', again)).toEqual([
    431,
    "Parameter vlan is 100, which network 'lan' has already; give another, or bypassvlanoverlapcheck=true.",
  ]);
  expect((await lab.admin.call('createNetwork', { ...again, bypassvlanoverlapcheck: true })).status).toBe(
    200,
  );
  expect((await make(lab.admin, SHARED, { vlan: 'untagged' })).broadcasturi).toBe('vlan://untagged');
});

const addresses = { gateway: '10.1.1.1', netmask: '255.255.255.0' };
test.each<readonly [string, Parameters, string]>([
  [SHARED, { gateway: '10.1.1.1' }, 'Parameter netmask is missing'],
  [SHARED, { netmask: '255.255.255.0' }, 'Parameter gateway is missing'],
  [
    SHARED,
    { ...addresses, gateway: '10.1.1.256' },
    "Parameter gateway is '10.1.1.256'; give an address of IPv4",
  ],
  [SHARED, { ...addresses, gateway: '10.1.1.255' }, 'the address of the network or of its broadcasts'],
  [SHARED, { ...addresses, netmask: '255.0.255.0' }, "Parameter netmask is '255.0.255.0'"],
  [SHARED, { ...addresses, netmask: '0.0.0.0' }, "Parameter netmask is '0.0.0.0'"],
  [SHARED, { ...addresses, netmask: '255.255.255.255' }, "Parameter netmask is '255.255.255.255'"],
  [SHARED, { ...addresses, startip: '10.1.2.1' }, 'which is not in 10.1.1.0/24'],
  [SHARED, { ...addresses, startip: '10.1.1.9', endip: '10.1.1.5' }, 'which is after endip'],
  [SHARED, { ...addresses, startip: '10.1.1.1', endip: '10.1.1.9' }, 'which is between startip and endip'],
  [SHARED, { ...addresses, endip: '10.1.1.9' }, 'Parameter startip is missing'],
  [SHARED, { startip: '10.1.1.9' }, 'Parameter gateway is missing: with startip'],
  [SHARED, { ip6gateway: '2001:db8::1' }, 'Parameter ip6cidr is missing'],
  [SHARED, { ip6cidr: '10.0.0.0/8' }, "Parameter ip6cidr is '10.0.0.0/8'; give a block of IPv6"],
  [SHARED, { ip6cidr: '2001:db8::/64', ip6gateway: '2001:db9::1' }, 'give an address in 2001:db8::/64'],
  [SHARED, { vlan: 4095 }, 'give a number from 1 to 4094, or untagged'],
  [SHARED, { acltype: 'Domain', account: 'bob' }, 'leave account out, or give Account'],
  [SHARED, { hostnetwork: '../lan' }, "Parameter hostnetwork is '../lan'"],
  [L2, addresses, 'Parameter gateway and other addresses are none of L2 networks'],
  [L2, { vlan: 7 }, 'has no specifyvlan'],
  [L2, { acltype: 'Domain' }, 'an L2 network is of one account'],
  [L2, { vpcid: randomUUID() }, 'Parameter vpcid is not taken'],
  [VLAN, {}, `Parameter vlan is missing: networks of offering '${VLAN}' have one`],
  [L2, { zoneid: randomUUID() }, 'There is no zone with the id'],
  [randomUUID(), {}, 'There is no network offering with the id'],
  [L2, { account: 'nobody' }, 'there is no such account'],
])('a network of offering %s is refused: %j', async (offering, parameters, sentence) => {
  const before = (await lab.admin.ok('listNetworks')).count;
  expect(await refusal(lab.admin, 'createNetwork', parametersOf(offering, parameters))).toEqual([
    431,
    expect.stringContaining(sentence),
  ]);
  expect((await lab.admin.ok('listNetworks')).count).toBe(before);
});

test.each<readonly [string, Parameters, string]>([
  [SHARED, {}, 'which only administrators may use; give one of type L2 without specifyvlan'],
  [VLAN, { vlan: 5 }, 'which only administrators may use'],
  [L2, { hostnetwork: 'lan' }, 'Parameter hostnetwork is given, which only administrators may'],
  [L2, { vlan: 5 }, 'Parameter vlan is given, which only administrators may'],
  [L2, { account: 'bob' }, "Parameter account is 'bob', which is not yours"],
])('a network of offering %s is not for users: %j', async (offering, parameters, sentence) => {
  expect(await refusal(lab.user, 'createNetwork', parametersOf(offering, parameters))).toEqual([
    531,
    expect.stringContaining(sentence),
  ]);
});

test('users neither see nor change networks of others, and do not change those for everybody', async () => {
  const mine = await make(lab.user, L2);
  const common = await make(lab.admin, SHARED);
  const private_ = await make(lab.admin, SHARED, { account: 'bob' });
  expect(private_).toMatchObject({ account: 'bob', acltype: 'Account' });
  for (const command of ['listNetworks', 'updateNetwork', 'deleteNetwork', 'restartNetwork'])
    expect(await refusal(lab.other, command, { id: mine.id })).toEqual([
      431,
      expect.stringContaining(`There is no network with the id '${mine.id}'.`),
    ]);
  expect(await refusal(lab.other, 'deleteNetwork', { id: common.id })).toEqual([
    531,
    `Network '${common.name}' belongs to another account; only its owner and administrators may change it.`,
  ]);
  const seen = namesOf((await lab.other.ok('listNetworks')).network);
  expect(seen).toEqual(expect.arrayContaining([common.name, private_.name]));
  expect(seen).not.toContain(mine.name);
  expect(namesOf((await lab.other.ok('listNetworks', { networkfilter: 'account' })).network)).toEqual([
    private_.name,
  ]);
  expect(namesOf((await lab.admin.ok('listNetworks', { account: 'bob' })).network)).toEqual([private_.name]);
  expect(await refusal(lab.other, 'updateNetwork', { id: private_.id, hostnetwork: 'lan' })).toEqual([
    531,
    expect.stringContaining('Parameter hostnetwork'),
  ]);
});

test('a network is changed and restarted by jobs that are done at once', async () => {
  const { id } = await make(lab.admin, SHARED, { hostnetwork: 'lan', networkdomain: 'a.example' });
  const changes = { name: 'renamed', displaytext: 'changed', networkofferingid: offerings[SHARED] };
  const { network } = await done(lab.admin, 'updateNetwork', { id, ...changes });
  expect(network).toMatchObject({ ...changes, hostnetwork: 'lan', networkdomain: 'a.example' });
  const cleared = await done(lab.admin, 'updateNetwork', { id, hostnetwork: '', networkdomain: '' });
  expect(Object.keys(cleared)).toEqual(['network']);
  expect(cleared.network).not.toHaveProperty('hostnetwork');
  expect(cleared.network).not.toHaveProperty('networkdomain');
  const other = { id, networkofferingid: offerings[L2] };
  expect(await refusal(lab.admin, 'updateNetwork', other)).toEqual([
    431,
    `Parameter networkofferingid is '${L2}'; give one that is enabled, of type Shared, and with specifyvlan.`,
  ]);
  expect(await done(lab.admin, 'restartNetwork', { id, cleanup: true })).toEqual({ success: true });
  expect(await eventTypesOf(lab, id)).toEqual([
    'NETWORK.RESTART',
    'NETWORK.UPDATE',
    'NETWORK.UPDATE',
    'NETWORK.CREATE',
  ]);
});

test('a network with virtual machines stays until they are expunged', async () => {
  const { id, name } = await make(lab.user, L2);
  const machine = await addMachine(id);
  const zone = await refusal(lab.admin, 'deleteZone', { id: lab.zone.uuid });
  expect(zone).toEqual([536, expect.stringContaining(`virtual machine ${machine}; network `)]);
  expect(await refusal(lab.user, 'deleteNetwork', { id, forced: true })).toEqual([
    536,
    `Network '${name}' has virtual machines that are not expunged: ${machine}.`,
  ]);
  await lab.db.updateTable('vm_instance').set({ removed: new Date() }).execute();
  expect(await done(lab.user, 'deleteNetwork', { id })).toEqual({ success: true });
  expect(await lab.user.ok('listNetworks', { name })).toEqual({});
  expect(await eventTypesOf(lab, id)).toEqual(['NETWORK.DELETE', 'NETWORK.CREATE']);
});

test('the owner of a network puts tags on it, as Terraform spells their type, and finds it by them', async () => {
  const { id: resourceids } = await make(lab.user, L2);
  const given = { resourceids, resourcetype: 'network', 'tags[0].key': 'team', 'tags[0].value': 'a' };
  await done(lab.user, 'createTags', given);
  const tag = {
    key: 'team',
    value: 'a',
    resourcetype: 'Network',
    resourceid: resourceids,
    account: 'alice',
  };
  const found = { 'tags[0].key': 'team', 'tags[0].value': 'a' };
  const { network } = await lab.user.ok('listNetworks', found);
  expect(network).toEqual([expect.objectContaining({ id: resourceids })]);
  expect(network[0].tags).toEqual([expect.objectContaining(tag)]);
  const { tag: listed } = await lab.user.ok('listTags', { resourcetype: 'Network' });
  expect(listed).toEqual(network[0].tags);
  expect((await lab.other.call('createTags', given)).status).toBe(431);
  await done(lab.user, 'deleteTags', { resourceids, resourcetype: 'Network', 'tags[0].key': 'team' });
  expect(await lab.user.ok('listNetworks', found)).toEqual({});
});

test('networks are found by exact name, keyword, type and zone, in pages', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: 'paris' });
  for (const [name, offering] of [
    ['find-1', L2],
    ['find-10', L2],
    ['find-2', SHARED],
  ] as const)
    await make(lab.admin, offering, { name, zoneid: zone.id, hostnetwork: 'lan' });
  const find = async (parameters: Parameters): Promise<readonly string[]> =>
    namesOf((await lab.admin.ok('listNetworks', { zoneid: zone.id, listall: true, ...parameters })).network);
  expect(await find({})).toEqual(['find-1', 'find-10', 'find-2']);
  expect(await find({ name: 'find-1' })).toEqual(['find-1']);
  expect(await find({ keyword: 'IND-1' })).toEqual(['find-1', 'find-10']);
  expect(await find({ type: 'shared' })).toEqual(['find-2']);
  expect(await find({ networkfilter: 'shared' })).toEqual(['find-2']);
  expect(await find({ networkofferingid: offerings[L2] })).toEqual(['find-1', 'find-10']);
  expect(await find({ type: 'Isolated' })).toEqual([]);
  expect(await find({ page: 2, pagesize: 2 })).toEqual(['find-2']);
  expect(namesOf((await lab.user.ok('listNetworks', { zoneid: zone.id })).network)).toEqual(['find-2']);
});

test('a user makes none in a disabled zone', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: 'closed', allocationstate: 'Disabled' });
  const parameters = parametersOf(L2, { zoneid: zone.id });
  expect(await refusal(lab.user, 'createNetwork', parameters)).toEqual([
    431,
    expect.stringContaining("zone 'closed', which is disabled"),
  ]);
  expect((await lab.admin.call('createNetwork', parameters)).status).toBe(200);
});

test('there are no public addresses', async () => {
  const { id } = await make(lab.user, L2);
  expect(await lab.user.ok('listPublicIpAddresses', { associatednetworkid: id })).toEqual({});
  expect((await lab.other.call('listPublicIpAddresses', { associatednetworkid: id })).status).toBe(431);
});
