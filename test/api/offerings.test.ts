/** Service offerings and disk offerings. */
import { openLab } from '../labs/api.ts';
import { eventsOf, namesOf, refusal } from '../support/calls.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const make = async (parameters: Parameters): Promise<Json> =>
  (await lab.admin.ok('createServiceOffering', { displaytext: 'an offering', ...parameters }))
    .serviceoffering;
const fixed = { cpunumber: 1, cpuspeed: 100, memory: 128 };

test('two service offerings and a custom disk offering exist from the start', async () => {
  const { serviceoffering } = await lab.user.ok('listServiceOfferings');
  expect(namesOf(serviceoffering).slice(0, 2)).toEqual(['Small Instance', 'Medium Instance']);
  const { diskoffering } = await lab.user.ok('listDiskOfferings', { name: 'Custom' });
  expect(diskoffering).toEqual([
    expect.objectContaining({ name: 'Custom', disksize: 0, iscustomized: true }),
  ]);
});

test('a service offering is made with what was asked for, and answered with it', async () => {
  const made = await make({
    name: 'Tiny Instance',
    displaytext: 'Tiny',
    ...fixed,
    storagetype: 'LOCAL',
    tags: 'ssd,fast',
    hosttags: 'gpu',
    cachemode: 'WriteBack',
    provisioningtype: 'sparse',
    rootdisksize: 10,
    networkrate: 200,
    offerha: true,
    limitcpuuse: 'True',
    isvolatile: true,
    dynamicscalingenabled: true,
    issystem: false,
    customizediops: 'false',
    'serviceofferingdetails[1].key': 'pciDevice',
    'serviceofferingdetails[1].value': 'none',
  });
  expect(made).toEqual({
    id: expect.any(String),
    name: 'Tiny Instance',
    displaytext: 'Tiny',
    ...fixed,
    iscustomized: false,
    storagetype: 'local',
    provisioningtype: 'sparse',
    cacheMode: 'writeback',
    storagetags: 'ssd,fast',
    hosttags: 'gpu',
    rootdisksize: 10,
    networkrate: 200,
    limitcpuuse: true,
    offerha: true,
    isvolatile: true,
    dynamicscalingenabled: true,
    diskofferingstrictness: false,
    iscustomizediops: false,
    encryptroot: false,
    issystem: false,
    defaultuse: false,
    serviceofferingdetails: { pciDevice: 'none' },
    state: 'Active',
    created: expect.stringMatching(/\+0000$/),
  });
  expect((await lab.admin.ok('listServiceOfferings', { id: made.id })).serviceoffering).toEqual([made]);
  const { storagetags: _, hosttags: __, ...seen } = made;
  expect((await lab.user.ok('listServiceOfferings', { id: made.id })).serviceoffering).toEqual([seen]);
  expect(await eventsOf(lab, made.id)).toMatchObject([
    { type: 'SERVICE.OFFERING.CREATE', resourcetype: 'ServiceOffering', resourcename: 'Tiny Instance' },
  ]);
});

test('a service offering without processors and memory leaves them to the user, within bounds if it has some', async () => {
  const free = await make({ name: 'free' });
  expect(free).toMatchObject({ iscustomized: true, displaytext: 'an offering' });
  for (const field of ['cpunumber', 'cpuspeed', 'memory', 'serviceofferingdetails'])
    expect(free).not.toHaveProperty(field);
  const bounds = { mincpunumber: 1, maxcpunumber: 4, minmemory: 512, maxmemory: 4096 };
  const bounded = await make({ name: 'bounded', customized: true, cpuspeed: 500, ...bounds });
  expect(bounded).toMatchObject({
    iscustomized: true,
    cpuspeed: 500,
    serviceofferingdetails: { mincpunumber: '1', maxcpunumber: '4', minmemory: '512', maxmemory: '4096' },
  });
});

test.each<readonly [string, Parameters, string]>([
  [
    'one of processors and memory',
    { cpunumber: 1 },
    'For creating a custom compute offering cpu and memory all should be null',
  ],
  [
    'some of the bounds',
    { customized: true, mincpunumber: 1 },
    'min/max cpu and min/max memory/cpu speed should all be null or all specified',
  ],
  [
    'bounds in the wrong order',
    { cpuspeed: 1, mincpunumber: 4, maxcpunumber: 2, minmemory: 64, maxmemory: 64 },
    'Parameter mincpunumber is 4, more than the most, 2.',
  ],
  ['bounds of fixed values', { ...fixed, minmemory: 64 }, 'leave the bounds out'],
  ['fixed values that are missing', { customized: false }, 'give cpunumber and memory'],
  [
    'too little memory',
    { cpunumber: 1, memory: 31 },
    "Parameter memory is '31'; give a whole number from 32",
  ],
  [
    'a system offering',
    { ...fixed, issystem: true },
    'Parameter issystem is not taken: there are no system VMs here',
  ],
  [
    'limits of disks',
    { ...fixed, bytesreadrate: 1000 },
    'Parameter bytesreadrate is not taken: Bypass does not limit the speed of disks',
  ],
  ['an unknown storage type', { ...fixed, storagetype: 'tape' }, 'give one of shared, local'],
  [
    'an unknown zone',
    { ...fixed, zoneid: '00000000-0000-4000-8000-00000000dead' },
    'There is no zone with the id',
  ],
  ['an unknown domain', { ...fixed, domainid: 'elsewhere' }, 'There is no domain with the id'],
  [
    'a tag that is too long',
    { ...fixed, tags: 'x'.repeat(65) },
    'Parameter tags has a tag of more than 64 characters',
  ],
])('a service offering is refused: %s', async (_what, parameters, sentence) => {
  expect(await refusal(lab.admin, 'createServiceOffering', { name: 'no', ...parameters })).toEqual([
    431,
    expect.stringContaining(sentence),
  ]);
  expect(await lab.admin.ok('listServiceOfferings', { name: 'no' })).toEqual({});
});

test('a service offering of some zones is not offered in others, and all lifts that', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: 'paris' });
  const made = await make({ name: 'of paris', ...fixed, zoneid: zone.id });
  expect([made.zoneid, made.zone]).toEqual([zone.id, 'paris']);
  const find = (zoneid: string): Promise<Json> =>
    lab.user.ok('listServiceOfferings', { name: 'of paris', zoneid });
  expect((await find(zone.id)).count).toBe(1);
  expect(await find(lab.zone.uuid)).toEqual({});
  expect(await refusal(lab.admin, 'deleteZone', { id: zone.id })).toEqual([
    536,
    "Zone 'paris' is not empty; remove first: service offering of paris.",
  ]);
  const { serviceoffering } = await lab.admin.ok('updateServiceOffering', { id: made.id, zoneid: 'all' });
  expect(serviceoffering).not.toHaveProperty('zoneid');
  expect((await find(lab.zone.uuid)).count).toBe(1);
  expect(await lab.admin.ok('deleteZone', { id: zone.id })).toMatchObject({ success: true });
});

test('a service offering is changed; an inactive one is listed to administrators who ask for it', async () => {
  const { id } = await make({ name: 'before', ...fixed, tags: 'ssd' });
  const change = async (parameters: Parameters): Promise<Json> =>
    (await lab.admin.ok('updateServiceOffering', { id, ...parameters })).serviceoffering;
  expect(
    await change({ name: 'after', displaytext: 'changed', storagetags: '', hosttags: 'big', zoneid: 'all' }),
  ).toMatchObject({ name: 'after', displaytext: 'changed', hosttags: 'big', ...fixed });
  expect(await change({})).not.toHaveProperty('storagetags');
  expect(await change({ domainid: 'public' })).toMatchObject({ name: 'after' });
  expect((await eventsOf(lab, id)).at(-2)).toMatchObject({
    type: 'SERVICE.OFFERING.EDIT',
    description: "Service offering 'before' was changed; its name is 'after' now",
  });
  expect(await change({ state: 'inactive' })).toMatchObject({ state: 'Inactive' });
  for (const [who, state, count] of [
    [lab.admin, undefined, undefined],
    [lab.admin, 'Inactive', 1],
    [lab.admin, 'all', 1],
    [lab.user, 'all', undefined],
  ] as const)
    expect((await who.ok('listServiceOfferings', { name: 'after', state })).count).toBe(count);
});

test('service offerings are found by exact name, keyword, size and storage, and in the order of their keys', async () => {
  const ids: Record<string, string> = {};
  for (const [name, more] of [
    ['web-1', { cpunumber: 1, memory: 512 }],
    ['web-10', { cpunumber: 8, memory: 8192, storagetype: 'local' }],
    ['web-free', { cpuspeed: 500, mincpunumber: 1, maxcpunumber: 4, minmemory: 64, maxmemory: 1024 }],
  ] as const)
    ids[name] = (await make({ name, ...more })).id;
  const find = async (parameters: Parameters): Promise<readonly string[]> =>
    namesOf((await lab.user.ok('listServiceOfferings', parameters)).serviceoffering);
  expect(await find({ name: 'web-1' })).toEqual(['web-1']);
  expect(await find({ keyword: 'WEB-1' })).toEqual(['web-1', 'web-10']);
  expect(await find({ keyword: 'web', storagetype: 'local' })).toEqual(['web-10']);
  expect(await find({ keyword: 'web', cpunumber: 3 })).toEqual(['web-10', 'web-free']);
  expect(await find({ keyword: 'web', memory: 2048 })).toEqual(['web-10']);
  expect(await find({ keyword: 'web', cpuspeed: 800 })).toEqual(['web-1', 'web-10']);
  expect(await find({ issystem: true })).toEqual([]);
  expect(await find({ keyword: 'web', page: 2, pagesize: 2 })).toEqual(['web-free']);
  await lab.admin.ok('updateServiceOffering', { id: ids['web-1'], sortkey: 9 });
  expect(await find({ keyword: 'web' })).toEqual(['web-10', 'web-free', 'web-1']);
});

test('a removed service offering is in no list, its name can be taken again, and its row stays', async () => {
  const { id } = await make({ name: 'short-lived', ...fixed });
  expect(await lab.admin.ok('deleteServiceOffering', { id })).toEqual({
    success: true,
    displaytext: "Service offering 'short-lived' was removed",
  });
  expect(await lab.admin.ok('listServiceOfferings', { name: 'short-lived', state: 'all' })).toEqual({});
  for (const command of ['listServiceOfferings', 'deleteServiceOffering', 'updateServiceOffering'])
    expect(await refusal(lab.admin, command, { id })).toEqual([
      431,
      expect.stringContaining(`There is no service offering with the id '${id}'.`),
    ]);
  const row = await lab.db
    .selectFrom('service_offering')
    .where('uuid', '=', id)
    .selectAll()
    .executeTakeFirst();
  expect(row?.removed).toBeInstanceOf(Date);
  expect((await make({ name: 'short-lived', ...fixed })).id).not.toBe(id);
});

test('a disk offering is made, changed, listed and removed', async () => {
  const { diskoffering: made } = await lab.admin.ok('createDiskOffering', {
    name: 'Small',
    displaytext: 'Small Disk',
    disksize: 1,
    tags: 'ssd',
    cachemode: 'none',
  });
  expect(made).toEqual({
    id: expect.any(String),
    name: 'Small',
    displaytext: 'Small Disk',
    disksize: 1,
    iscustomized: false,
    storagetype: 'shared',
    provisioningtype: 'thin',
    cacheMode: 'none',
    tags: 'ssd',
    disksizestrictness: false,
    displayoffering: true,
    iscustomizediops: false,
    encrypt: false,
    state: 'Active',
    created: expect.any(String),
  });
  const { id } = made;
  const changes = { name: 'Little', tags: '', cachemode: 'writethrough', displayoffering: false };
  const { diskoffering } = await lab.admin.ok('updateDiskOffering', { id, ...changes });
  expect(diskoffering).toMatchObject({ name: 'Little', cacheMode: 'writethrough', displayoffering: false });
  expect(diskoffering).not.toHaveProperty('tags');
  expect((await lab.admin.ok('listDiskOfferings', { keyword: 'litt' })).count).toBe(1);
  expect(await lab.user.ok('listDiskOfferings', { name: 'Little' })).toEqual({});
  expect(await lab.admin.ok('deleteDiskOffering', { id })).toMatchObject({ success: true });
  expect(await refusal(lab.admin, 'listDiskOfferings', { id })).toEqual([
    431,
    expect.stringContaining('no disk offering'),
  ]);
  expect((await eventsOf(lab, id)).map(({ type }) => type as string)).toEqual([
    'DISK.OFFERING.DELETE',
    'DISK.OFFERING.EDIT',
    'DISK.OFFERING.CREATE',
  ]);
});

test.each<readonly [Parameters, string]>([
  [{ customized: false }, 'Parameter disksize is missing'],
  [{ customized: true, disksize: 5 }, 'with customized=true the user gives the size'],
  [{ disksize: 0 }, "Parameter disksize is '0'"],
  [{ encrypt: true }, 'disks are not encrypted here'],
])('a disk offering is refused: %j', async (parameters, sentence) => {
  expect(
    await refusal(lab.admin, 'createDiskOffering', { name: 'no', displaytext: 'no', ...parameters }),
  ).toEqual([431, expect.stringContaining(sentence)]);
});
