/** The filters of lists: each with entries that it must find, and entries that it must leave out. */
import { createCluster } from '../../db/zones/zones.ts';
import { completeJob, createJob } from '../../db/jobs/jobs.ts';
import { recordEvent } from '../../db/events/events.ts';
import { addHost, deploy, openLab, poolReport } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
/** Ids by the names that the tables below use. */
const known: Record<string, string> = {};
const NOWHERE = '00000000-0000-4000-8000-00000000dead';

const own = poolReport('own');
const shared = poolReport('shared', { scope: 'CLUSTER', type: 'SharedMountPoint' });
const wide = poolReport('wide', { scope: 'ZONE', type: 'NetworkFilesystem', path: '/mnt/wide' });

async function jobOf(who: Caller, instanceType: string, instanceUuid: string, cmd: string): Promise<string> {
  const job = { accountId: who.accountUuid, userId: who.userUuid, cmd, instanceType, instanceUuid };
  return createJob(lab.db, job);
}

const happened = (who: Caller, type: string, state: 'Started' | 'Completed'): Promise<void> =>
  recordEvent(lab.db, {
    type,
    state,
    description: type,
    userUuid: who.userUuid,
    accountUuid: who.accountUuid,
    resourceType: 'VirtualMachineTemplate',
    resourceUuid: known['template'] ?? '',
  });

beforeAll(async () => {
  lab = await openLab();
  const { admin, user, other } = lab;
  const host = await addHost(lab, { name: 'host1', pools: [own, shared, wide] });
  await createCluster(lab.db, { zoneId: lab.zone.id, name: 'empty' });
  const { ostype } = await user.ok('listOsTypes');
  const osOf = (category: string): Json =>
    ostype.find(({ oscategoryname }: Json) => oscategoryname === category);
  const make = async (name: string, owner: Caller, changes: Json = {}): Promise<string> =>
    (await lab.template(owner, { name, ...changes })).templateId;
  known['template'] = await make('deb', user, { arch: 'aarch64', osTypeId: osOf('Debian').id });
  await make('plain', user);
  await make('theirs', other, { isPublic: true });
  await make('disc', user, { format: 'ISO', osTypeId: osOf('Windows').id });
  await deploy(lab, { templateId: known['template'], poolId: own.id }, { host, pool: own });
  const { cluster } = await admin.ok('listClusters');
  const podOf = (name: string): string => cluster.find((one: Json) => one.name === name).podid as string;
  const { domain } = await user.ok('listDomains');
  Object.assign(known, {
    own: own.id,
    host: host.hostId,
    zone: lab.zone.uuid,
    shared: shared.id,
    pod: podOf('cluster1'),
    otherpod: podOf('empty'),
    cluster: cluster.find((one: Json) => one.name === 'cluster1').id,
    debian: osOf('Debian').oscategoryid,
    windows: osOf('Windows').oscategoryid,
    root: domain[0].id,
    nowhere: NOWHERE,
  });
  await jobOf(other, 'Template', known['template'], 'prepareTemplate');
  known['done'] = await jobOf(user, 'Template', known['template'], 'prepareTemplate');
  await completeJob(lab.db, known['done'], { result: {} });
  known['newest'] = await jobOf(user, 'Template', known['template'], 'deleteTemplate');
  known['ofpool'] = await jobOf(admin, 'StoragePool', own.id, 'enableStorageMaintenance');
  await happened(user, 'TEMPLATE.CREATE', 'Started');
  await happened(user, 'TEMPLATE.UPDATE', 'Completed');
  await happened(other, 'TEMPLATE.DELETE', 'Completed');
});
afterAll(() => lab.close());

/** `@name` stands for the id of that name. */
const given = (parameters: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' && value.startsWith('@') ? known[value.slice(1)] : value,
    ]),
  );

type Rows = readonly (readonly [command: string, key: string, asked: Parameters, found: readonly string[]])[];

const ALL = { templatefilter: 'all' };
const BY_ADMINS: Rows = [
  ['listTemplates', 'name', { ...ALL, storageid: '@own' }, ['deb']],
  ['listTemplates', 'name', { ...ALL, storageid: '@shared' }, []],
  ['listTemplates', 'name', { ...ALL, arch: 'aarch64' }, ['deb']],
  ['listTemplates', 'name', { ...ALL, arch: 'x86_64' }, ['plain', 'theirs']],
  ['listTemplates', 'name', { ...ALL, arch: 'x86_64', showunique: true }, ['plain', 'theirs']],
  ['listTemplates', 'name', { ...ALL, oscategoryid: '@debian' }, ['deb']],
  ['listTemplates', 'name', { ...ALL, oscategoryid: '@windows' }, []],
  ['listTemplates', 'name', { ...ALL, account: 'alice' }, ['deb', 'plain']],
  ['listTemplates', 'name', { templatefilter: 'self', account: 'bob', domainid: '@root' }, ['theirs']],
  ['listTemplates', 'name', { templatefilter: 'self' }, []],
  ['listIsos', 'name', { isofilter: 'all', oscategoryid: '@windows', arch: 'x86_64' }, ['disc']],
  ['listIsos', 'name', { isofilter: 'all', oscategoryid: '@debian' }, []],
  ['listIsos', 'name', { isofilter: 'all', storageid: '@own' }, []],
  [
    'listOsTypes',
    'description',
    { oscategoryid: '@debian', keyword: 'Linux 12' },
    ['Debian GNU/Linux 12', 'Debian GNU/Linux 12 (32-bit)', 'Debian GNU/Linux 12 (64-bit)'],
  ],
  ['listHosts', 'name', { podid: '@pod' }, ['host1']],
  ['listHosts', 'name', { podid: '@otherpod' }, []],
  ['listHosts', 'name', { podid: '@otherpod', clusterid: '@cluster' }, []],
  ['listClusters', 'name', { podid: '@otherpod' }, ['empty']],
  ['listClusters', 'name', { podid: '@otherpod', id: '@cluster' }, []],
  ['listClusters', 'name', { hypervisor: 'kvm' }, ['cluster1', 'empty']],
  ['listClusters', 'name', { hypervisor: 'VMware' }, []],
  ['listClusters', 'name', { managedstate: 'Unmanaged' }, []],
  ['listPods', 'name', { id: '@otherpod' }, ['empty']],
  ['listPods', 'name', { allocationstate: 'Disabled' }, []],
  ['listZones', 'name', { ids: '@zone', networktype: 'advanced', available: true }, ['zone1']],
  ['listZones', 'name', { ids: '@nowhere' }, []],
  ['listZones', 'name', { ids: 'nonsense' }, []],
  ['listZones', 'name', { networktype: 'Basic' }, []],
  ['listOsTypes', 'description', { ids: '@nowhere' }, []],
  ['listTemplates', 'name', { ...ALL, templatetype: 'SYSTEM' }, []],
  ['listHosts', 'name', { version: '0.1.0', hypervisor: 'kvm', type: 'routing' }, ['host1']],
  ['listHosts', 'name', { version: '0.0.1' }, []],
  ['listStoragePools', 'name', { podid: '@pod' }, ['own', 'shared']],
  ['listStoragePools', 'name', { podid: '@otherpod' }, []],
  ['listStoragePools', 'name', { hostid: '@host', status: 'up' }, ['own', 'shared', 'wide']],
  ['listStoragePools', 'name', { hostid: '@host', status: 'Maintenance' }, []],
  ['listStoragePools', 'name', { state: 'Up', status: 'Maintenance' }, []],
  ['listStoragePools', 'name', { path: '/mnt/wide' }, ['wide']],
  ['listStoragePools', 'name', { path: '/mnt' }, []],
  ['listStoragePools', 'name', { ipaddress: '192.0.2.7' }, ['own']],
  ['listStoragePools', 'name', { ipaddress: '192.0.2.8' }, []],
  ['listEvents', 'type', { account: 'bob' }, ['TEMPLATE.DELETE']],
  ['listEvents', 'type', { account: 'alice', state: 'started' }, ['TEMPLATE.CREATE']],
  ['listEvents', 'type', { account: 'alice', type: 'TEMPLATE.UPDATE', level: 'ERROR' }, []],
  ['listAsyncJobs', 'cmd', { resourceid: '@own' }, ['enableStorageMaintenance']],
  ['listAsyncJobs', 'cmd', { resourcetype: 'storagepool' }, ['enableStorageMaintenance']],
  ['listAsyncJobs', 'cmd', { account: 'bob', domainid: '@root' }, ['prepareTemplate']],
  ['listAsyncJobs', 'cmd', { account: 'alice', jobstatus: 1 }, ['prepareTemplate']],
  ['listAsyncJobs', 'cmd', { account: 'alice', keyword: 'delete' }, ['deleteTemplate']],
  ['listAsyncJobs', 'cmd', { resourceid: 'nonsense' }, []],
  ['listUsers', 'username', { account: 'bob', domainid: '@root' }, ['bob']],
  ['listUsers', 'username', { accounttype: 1, state: 'enabled' }, ['root']],
  ['listUsers', 'username', { state: 'disabled' }, []],
  ['listAccounts', 'name', { state: 'locked' }, []],
  ['listAccounts', 'name', { name: 'bob', domainid: '@root' }, ['bob']],
  ['listResourceLimits', 'account', { account: 'bob', resourcetype: 4 }, ['bob']],
  ['listTags', 'key', { account: 'bob' }, []],
];

async function found(who: Caller, [command, key, asked]: Rows[number]): Promise<readonly string[]> {
  const { count, ...lists } = await who.ok(command, given(asked));
  const rows = Object.values(lists).flat() as readonly Json[];
  expect(count ?? 0).toBe(rows.length);
  return rows.map((row) => row[key] as string).toSorted();
}

test.each(BY_ADMINS)('%s, %s of %j', async (...row) => {
  expect(await found(lab.admin, row)).toEqual(row[3]);
});

test.each<Rows[number]>([
  ['listTemplates', 'name', { templatefilter: 'self', account: 'alice' }, ['deb', 'plain']],
  ['listTemplates', 'name', { templatefilter: 'executable', account: 'alice' }, ['deb', 'plain']],
  ['listTemplates', 'name', { templatefilter: 'executable', arch: 'x86_64' }, ['plain', 'theirs']],
  ['listEvents', 'type', { account: 'alice', domainid: '@root', state: 'Started' }, ['TEMPLATE.CREATE']],
  ['listAsyncJobs', 'cmd', { resourceid: '@template', jobstatus: 1 }, ['prepareTemplate']],
  ['listResourceLimits', 'account', { resourcetype: 4 }, ['alice']],
])('for a user: %s, %s of %j', async (...row) => {
  expect(await found(lab.user, row)).toEqual(row[3]);
});

test.each([
  ['listTemplates', { ...ALL, storageid: NOWHERE }, 'Invalid parameter storageid'],
  ['listTemplates', { ...ALL, arch: 'vax' }, "Parameter arch is 'vax'; give one of x86_64, aarch64"],
  ['listIsos', { oscategoryid: NOWHERE }, 'Invalid parameter oscategoryid'],
  ['listOsTypes', { oscategoryid: NOWHERE }, 'Invalid parameter oscategoryid'],
  ['listStoragePools', { hostid: NOWHERE }, 'Invalid parameter hostid'],
  ['listHosts', { podid: NOWHERE }, 'Invalid parameter podid'],
  ['listStoragePools', { podid: NOWHERE }, 'Invalid parameter podid'],
  ['listPods', { id: NOWHERE }, 'Invalid parameter id'],
  ['listEvents', { domainid: NOWHERE }, 'Invalid parameter domainid'],
  ['listAccounts', { domainid: NOWHERE }, 'Invalid parameter domainid'],
  ['listEvents', { account: 'nobody' }, "Parameter account is 'nobody', and there is no such account"],
  ['listAsyncJobs', { resourcetype: 'Volume' }, 'give one of Template, Iso, Host'],
])('%s %j is refused', async (command, asked, text) => {
  const { status, inner } = await lab.admin.call(command, asked);
  expect([status, inner.errortext]).toEqual([431, expect.stringContaining(text)]);
});

test.each(['listTemplates', 'listIsos', 'listEvents', 'listAsyncJobs', 'listTags', 'listUsers'])(
  '%s of another account does not reveal to a user whether that account exists',
  async (command) => {
    const ask = async (account: string) => {
      const { status, inner } = await lab.user.call(command, { templatefilter: 'executable', account });
      return [status, (inner.errortext as string).replace(account, 'X')];
    };
    expect(await ask('bob')).toEqual([
      531,
      expect.stringContaining("Parameter account is 'X', which is not"),
    ]);
    expect(await ask('nobody')).toEqual(await ask('bob'));
  },
);

test('jobs and events name their account, and events their resource while it exists', async () => {
  const { asyncjobs } = await lab.user.ok('listAsyncJobs', { jobstatus: 1 });
  const alices = { account: 'alice', domain: 'ROOT', domainpath: 'ROOT', domainid: known['root'] };
  expect(asyncjobs[0]).toMatchObject(alices);
  const { event } = await lab.user.ok('listEvents', { state: 'Started' });
  expect(event[0]).toMatchObject({ ...alices, resourcename: 'deb' });
});

const askJob = (who: Caller, parameters: Parameters) => who.call('queryAsyncJobResult', given(parameters));

describe('queryAsyncJobResult by resource finds its newest job', () => {
  test.each<[who: 'user' | 'other' | 'admin', asked: Parameters, cmd: string]>([
    ['user', { resourceid: '@template', resourcetype: 'Template' }, 'deleteTemplate'],
    ['user', { resourceid: '@template', resourcetype: 'template' }, 'deleteTemplate'],
    ['other', { resourceid: '@template', resourcetype: 'Template' }, 'prepareTemplate'],
    ['admin', { resourceid: '@own', resourcetype: 'StoragePool' }, 'enableStorageMaintenance'],
    ['user', { jobid: '@done', resourceid: '@own', resourcetype: 'Host' }, 'prepareTemplate'],
  ])('for %s with the parameters %j', async (who, asked, cmd) => {
    expect((await askJob(lab[who], asked)).inner).toMatchObject({ cmd, jobid: expect.any(String) });
  });

  test.each<[Parameters, string]>([
    [{}, 'Parameter jobid is missing: give it, or resourceid together with resourcetype.'],
    [{ resourceid: '@template' }, 'Parameter jobid is missing'],
    [{ resourceid: '@own', resourcetype: 'StoragePool' }, 'Invalid parameter resourceid'],
    [{ resourceid: '@template', resourcetype: 'Iso' }, 'Invalid parameter resourceid'],
    [{ resourceid: '@template', resourcetype: 'Volume' }, 'give one of Template, Iso'],
  ])('and is refused to a user for %j', async (asked, text) => {
    const { status, inner } = await askJob(lab.user, asked);
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining(text)]);
  });
});
