/** Network offerings. */
import { openLab } from '../labs/api.ts';
import { done, eventTypesOf, namesOf, refusal } from '../support/calls.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

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

const networkOf = (networkofferingid: string): Parameters => ({
  name: 'a network',
  displaytext: 'a network',
  networkofferingid,
  zoneid: lab.zone.uuid,
});

test('three network offerings exist from the start', async () => {
  expect(Object.keys(offerings)).toEqual([L2, VLAN, SHARED]);
  const { networkoffering } = await lab.admin.ok('listNetworkOfferings', { guestiptype: 'Shared' });
  expect(networkoffering).toEqual([
    expect.objectContaining({ name: SHARED, state: 'Enabled', specifyvlan: true, isdefault: true }),
  ]);
});

test('a network offering is made disabled, as a client of CloudStack does it, and is for users once it is enabled', async () => {
  const { networkoffering: made } = await lab.admin.ok('createNetworkOffering', {
    name: 'Test L2 - Network offering-XYZ',
    displaytext: 'Test L2 - Network offering',
    guestiptype: 'L2',
    traffictype: 'GUEST',
    supportedservices: '',
    availability: 'Optional',
  });
  expect(made).toEqual({
    id: expect.any(String),
    name: 'Test L2 - Network offering-XYZ',
    displaytext: 'Test L2 - Network offering',
    guestiptype: 'L2',
    traffictype: 'Guest',
    state: 'Disabled',
    availability: 'Optional',
    specifyvlan: false,
    specifyipranges: false,
    conservemode: true,
    ispersistent: false,
    isdefault: false,
    egressdefaultpolicy: false,
    forvpc: false,
    internetprotocol: 'IPv4',
    service: [],
    created: expect.any(String),
  });
  const { id } = made;
  expect(await refusal(lab.user, 'listNetworkOfferings', { id })).toEqual([
    431,
    expect.stringContaining(`There is no network offering with the id '${id}'.`),
  ]);
  expect(await refusal(lab.admin, 'createNetwork', networkOf(id))).toEqual([
    431,
    "Parameter networkofferingid is 'Test L2 - Network offering-XYZ', which is disabled; enable it with updateNetworkOffering.",
  ]);
  const enabled = await lab.admin.ok('updateNetworkOffering', { id, state: 'Enabled' });
  expect(enabled.networkoffering.state).toBe('Enabled');
  const { network } = await lab.user.ok('createNetwork', networkOf(id));
  expect(await refusal(lab.admin, 'deleteNetworkOffering', { id })).toEqual([
    536,
    "Network offering 'Test L2 - Network offering-XYZ' has 1 networks; delete them first, or disable the offering.",
  ]);
  await done(lab.user, 'deleteNetwork', { id: network.id });
  expect(await lab.admin.ok('deleteNetworkOffering', { id })).toMatchObject({ success: true });
  expect(await lab.admin.ok('listNetworkOfferings', { name: made.name })).toEqual({});
  expect(await eventTypesOf(lab, id)).toEqual([
    'NETWORK.OFFERING.DELETE',
    'NETWORK.OFFERING.EDIT',
    'NETWORK.OFFERING.CREATE',
  ]);
});

test('a network offering keeps services, rate, tags and details for the clients that read them back', async () => {
  const { networkoffering: made } = await lab.admin.ok('createNetworkOffering', {
    name: 'full',
    displaytext: 'full',
    guestiptype: 'shared',
    traffictype: 'Guest',
    enable: true,
    specifyvlan: true,
    specifyipranges: true,
    conservemode: false,
    egressdefaultpolicy: true,
    networkrate: 200,
    maxconnections: 100,
    tags: 'fast',
    supportedservices: 'Dhcp,Dns',
    'serviceproviderlist[0].service': 'Dhcp',
    'serviceproviderlist[0].provider': 'VirtualRouter',
    'details[0].a': 'b',
    internetprotocol: 'DualStack',
  });
  expect(made).toMatchObject({
    state: 'Enabled',
    specifyvlan: true,
    specifyipranges: true,
    conservemode: false,
    egressdefaultpolicy: true,
    networkrate: 200,
    maxconnections: 100,
    tags: 'fast',
    internetprotocol: 'DualStack',
    details: { a: 'b', internetProtocol: 'DualStack' },
    service: [
      { name: 'Dhcp', provider: [{ name: 'VirtualRouter' }] },
      { name: 'Dns', provider: [] },
    ],
  });
  const { networkoffering } = await lab.admin.ok('updateNetworkOffering', {
    id: made.id,
    tags: '',
    availability: 'required',
    name: 'fuller',
  });
  expect(networkoffering).toMatchObject({ name: 'fuller', availability: 'Required' });
  expect(networkoffering).not.toHaveProperty('tags');
  const find = async (parameters: Parameters): Promise<readonly string[]> =>
    namesOf((await lab.admin.ok('listNetworkOfferings', parameters)).networkoffering);
  expect(await find({ specifyipranges: true })).toEqual([SHARED, 'fuller']);
  expect(await find({ isdefault: false, availability: 'Required' })).toEqual(['fuller']);
  expect(await find({ guestiptype: 'Isolated' })).toEqual([]);
  expect(await find({ page: 1, pagesize: 2 })).toEqual([L2, VLAN]);
});

test.each<readonly [Parameters, string]>([
  [
    { guestiptype: 'Isolated' },
    'Parameter guestiptype is Isolated, which needs a virtual router, and Bypass has none',
  ],
  [{ traffictype: 'Public' }, 'give one of Guest'],
  [{ forvpc: true }, 'Parameter forvpc is not taken: there are no VPCs here'],
  [{ 'serviceproviderlist[0].service': 'Dns', 'serviceproviderlist[0].provider': 'x' }, "names 'Dns'"],
])('a network offering is refused: %j', async (parameters, sentence) => {
  const given = { name: 'no', displaytext: 'no', guestiptype: 'L2', traffictype: 'Guest', ...parameters };
  expect(await refusal(lab.admin, 'createNetworkOffering', given)).toEqual([
    431,
    expect.stringContaining(sentence),
  ]);
});

test('network offerings that Bypass came with are not removed', async () => {
  expect(await refusal(lab.admin, 'deleteNetworkOffering', { id: offerings[L2] })).toEqual([
    431,
    `Parameter id is '${L2}', which Bypass came with; disable it instead.`,
  ]);
});
