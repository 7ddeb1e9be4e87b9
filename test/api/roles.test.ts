/** Calls every command without credentials, as a user on the property of another, as the owner, and as an administrator. */
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import { listPoolFiles, recordFiles } from '../../db/pools/files.ts';
import type { Row } from '../../db/tables.ts';
import { createAuthority } from '../support/authority.ts';
import { addHost, openLab, poolReport, sendRaw } from '../labs/api.ts';
import type { Caller, Lab, Parameters, TestHost } from '../labs/api.ts';
import { addNetwork } from './machines.ts';
import { iso, template } from './registering.ts';
import { isFullRun } from '../support/programs.ts';

let lab: Lab;
let host: TestHost;
/** The id of a job of alice. */
let job: string;
const pool = poolReport('pool-of-nobodys-business', { path: '/srv/hidden/pool' });

/** The zone of the networks, so that a machine of zone1 finds one network there. */
let networkZone: string;

beforeAll(async () => {
  lab = await openLab();
  networkZone = (await lab.admin.ok('createZone', { name: 'networks' })).zone.id as string;
  host = await addHost(lab, { name: 'kvm-hidden-7', pools: [pool] });
  const { templateId: resourceids } = await lab.template(lab.user);
  const tags = { 'tags[0].key': 'k', 'tags[0].value': 'v' };
  await addNetwork(lab);
  job = (await lab.user.ok('createTags', { resourceids, resourcetype: 'Template', ...tags })).jobid as string;
});
afterAll(() => lab.close());

type Statuses = readonly [nobody: number, user: number, owner: number, admin: number];
type CallSpec = Parameters | (() => Parameters | Promise<Parameters>);

const ADMIN: Statuses = [401, 401, 401, 200];
const ALL: Statuses = [401, 200, 200, 200];
/** For others it is answered as if it did not exist. */
const OWNER: Statuses = [401, 431, 200, 200];

const details = { 'tags[0].key': 'a', 'tags[0].value': 'b' };
const newAccount = async (): Promise<Caller> => lab.newUser(`one-${randomUUID().slice(0, 8)}`, 'user');
const named = (): string => `n-${randomUUID().slice(0, 8)}`;
const freshHost = async (): Promise<TestHost> => addHost(lab, { name: named(), pools: [] });

const freshCluster = async (): Promise<string> => {
  const { cluster } = await lab.admin.ok('addCluster', { clustername: named(), zoneid: lab.zone.uuid });
  return cluster[0].id as string;
};

const freshPool = async (): Promise<string> => {
  const made = poolReport(named());
  await addHost(lab, { name: named(), pools: [made] });
  return made.id;
};

/** The owner is alice, the user bob. */
const ownTemplate = async (): Promise<string> => (await lab.template(lab.user)).templateId;
const ownIso = async (): Promise<string> => (await lab.template(lab.user, { format: 'ISO' })).templateId;

/** A roll-out, which has not ended. */
const rollout = async (paused = false): Promise<string> => {
  const given = { templateid: await ownTemplate(), zoneid: lab.zone.uuid, storageids: await freshPool() };
  const { jobid: id } = await lab.admin.ok('prepareTemplate', given);
  if (paused) await lab.admin.ok('pauseTemplateRollout', { id });
  return id as string;
};

/** What deploys a machine. */
const machine = async (): Promise<Parameters> => {
  const { serviceoffering } = await lab.db
    .selectFrom('service_offering')
    .select('uuid as serviceoffering')
    .executeTakeFirstOrThrow();
  const { templateId: templateid } = await lab.template(lab.admin, { isPublic: true });
  return { zoneid: lab.zone.uuid, serviceofferingid: serviceoffering, templateid };
};

/** A machine of the owner, in a state. */
const vm = async (state: Row<'vm_instance'>['state'] = 'Stopped'): Promise<string> => {
  const { id } = await lab.user.ok('deployVirtualMachine', await machine());
  await lab.db.updateTable('vm_instance').set({ state }).where('uuid', '=', id).execute();
  return id as string;
};

const otherOffering = async (): Promise<string> =>
  (
    await lab.db
      .selectFrom('service_offering')
      .where('name', '=', 'Medium Instance')
      .select('uuid')
      .executeTakeFirstOrThrow()
  ).uuid;

/** A key pair of the owner. @returns its name */
const keyPair = async (): Promise<string> => {
  const name = named();
  await lab.db
    .insertInto('ssh_keypair')
    .values({ account_id: lab.user.accountId, name, public_key: 'ssh-ed25519 a', fingerprint: name })
    .execute();
  return name;
};

const AUTHORITY = createAuthority('Ed25519', { name: 'Mirror CA' });
const authority = (): Parameters => ({
  name: named(),
  certificate: AUTHORITY.cert,
  hypervisor: 'KVM',
  zoneid: lab.zone.uuid,
});
const certificate = async (): Promise<string> =>
  (await lab.admin.ok('uploadTemplateDirectDownloadCertificate', authority()))
    .uploadtemplatedirectdownloadcertificate.id as string;

const serviceOffering = async (): Promise<string> =>
  (await lab.admin.ok('createServiceOffering', { name: named(), cpunumber: 1, memory: 128 })).serviceoffering
    .id as string;
const diskOffering = async (): Promise<string> =>
  (await lab.admin.ok('createDiskOffering', { name: named(), disksize: 1 })).diskoffering.id as string;

const networkOffering = async (): Promise<string> =>
  (await lab.admin.ok('createNetworkOffering', { name: named(), guestiptype: 'L2', traffictype: 'Guest' }))
    .networkoffering.id as string;
const newNetwork = async (): Promise<Parameters> => {
  const { networkoffering } = await lab.user.ok('listNetworkOfferings', {
    guestiptype: 'L2',
    specifyvlan: false,
  });
  return { name: named(), networkofferingid: networkoffering[0].id, zoneid: networkZone };
};
const network = async (): Promise<string> =>
  (await lab.user.ok('createNetwork', await newNetwork())).network.id as string;
const group = async (): Promise<string> =>
  (await lab.user.ok('createInstanceGroup', { name: named() })).instancegroup.id as string;
const userData = async (): Promise<string> =>
  (await lab.user.ok('registerUserData', { name: named(), userdata: 'aGVsbG8=' })).userdata.id as string;

/** A public key of Ed25519 that no other has. */
const publicKey = (): string => {
  const head = Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0 ', 'latin1');
  return `ssh-ed25519 ${Buffer.concat([head, randomBytes(32)]).toString('base64')}`;
};
const keyPairOfAdmin = async (): Promise<string> => {
  const name = named();
  await lab.admin.ok('registerSSHKeyPair', { name, publickey: publicKey() });
  return name;
};

/** A file that the last look found on the pool. @returns its id */
async function strangeFile(): Promise<string> {
  const file = { role: 'other', type: 'file', size: 1, physicalSize: 1, inode: '1' } as const;
  const modified = new Date().toISOString();
  const look = { poolId: pool.id, look: randomUUID() };
  await recordFiles(lab.db, look, [{ ...file, name: randomUUID(), modified }]);
  const { rows } = await listPoolFiles(lab.db, { poolId: pool.id }, { limit: 1, offset: 0 });
  return rows[0]?.uuid ?? '';
}

const TABLE: Readonly<Record<string, readonly [CallSpec, Statuses]>> = {
  addCluster: [() => ({ clustername: named(), zoneid: lab.zone.uuid }), ADMIN],
  attachIso: [async () => ({ id: await ownIso(), virtualmachineid: await vm() }), OWNER],
  cancelHostMaintenance: [() => ({ id: host.hostId }), ADMIN],
  cancelStorageMaintenance: [() => ({ id: pool.id }), ADMIN],
  cleanupStoragePool: [() => ({ id: pool.id }), ADMIN],
  cancelTemplateDeployment: [async () => ({ templateid: await ownTemplate(), storageid: pool.id }), ADMIN],
  cancelTemplateRollout: [async () => ({ id: await rollout() }), ADMIN],
  changeServiceForVirtualMachine: [
    async () => ({ id: await vm(), serviceofferingid: await otherOffering() }),
    OWNER,
  ],
  createAccount: [() => ({ username: named(), password: 'a password' }), ADMIN],
  createDiskOffering: [() => ({ name: named(), disksize: 1 }), ADMIN],
  createInstanceGroup: [() => ({ name: named() }), ALL],
  createNetwork: [newNetwork, ALL],
  createSSHKeyPair: [() => ({ name: named() }), ALL],
  createNetworkOffering: [() => ({ name: named(), guestiptype: 'L2', traffictype: 'Guest' }), ADMIN],
  createHostInvite: [() => ({ zoneid: lab.zone.uuid }), ADMIN],
  createServiceOffering: [() => ({ name: named(), cpunumber: 1, memory: 128 }), ADMIN],
  createTags: [
    async () => ({ resourceids: await ownTemplate(), resourcetype: 'Template', ...details }),
    OWNER,
  ],
  createUser: [() => ({ username: named(), password: 'a password', account: 'bob' }), ADMIN],
  createZone: [() => ({ name: named() }), ADMIN],
  deleteAccount: [async () => ({ id: (await newAccount()).accountUuid }), ADMIN],
  deleteCluster: [async () => ({ id: await freshCluster() }), ADMIN],
  deleteDiskOffering: [async () => ({ id: await diskOffering() }), ADMIN],
  deleteInstanceGroup: [async () => ({ id: await group() }), OWNER],
  deleteSSHKeyPair: [async () => ({ name: await keyPairOfAdmin(), account: 'root' }), [401, 531, 531, 200]],
  deleteUserData: [async () => ({ id: await userData() }), OWNER],
  deleteNetwork: [async () => ({ id: await network() }), OWNER],
  deleteNetworkOffering: [async () => ({ id: await networkOffering() }), ADMIN],
  deleteServiceOffering: [async () => ({ id: await serviceOffering() }), ADMIN],
  deleteZone: [async () => ({ id: (await lab.admin.ok('createZone', { name: named() })).zone.id }), ADMIN],
  deployVirtualMachine: [machine, ALL],
  destroyVirtualMachine: [async () => ({ id: await vm() }), OWNER],
  detachIso: [
    async () => {
      const virtualmachineid = await vm();
      const attached = sql<number>`(select id from vm_template where uuid = ${await ownIso()})`;
      await lab.db
        .updateTable('vm_instance')
        .set({ iso_id: attached })
        .where('uuid', '=', virtualmachineid)
        .execute();
      return { virtualmachineid };
    },
    OWNER,
  ],
  deleteHost: [async () => ({ id: (await freshHost()).hostId, forced: true }), ADMIN],
  deleteIso: [async () => ({ id: await ownIso() }), OWNER],
  deleteUser: [async () => ({ id: (await newAccount()).userUuid }), ADMIN],
  disableAccount: [async () => ({ id: (await newAccount()).accountUuid }), ADMIN],
  disableUser: [async () => ({ id: (await newAccount()).userUuid }), ADMIN],
  enableAccount: [async () => ({ id: (await newAccount()).accountUuid }), ADMIN],
  enableUser: [async () => ({ id: (await newAccount()).userUuid }), ADMIN],
  expungeVirtualMachine: [async () => ({ id: await vm('Destroyed') }), [401, 531, 531, 200]],
  deleteTags: [async () => ({ resourceids: await ownIso(), resourcetype: 'ISO' }), OWNER],
  deleteTemplateDirectDownloadCertificate: [async () => ({ id: await certificate() }), ADMIN],
  deleteTemplate: [async () => ({ id: await ownTemplate() }), OWNER],
  enableStorageMaintenance: [async () => ({ id: await freshPool() }), ADMIN],
  extractIso: [async () => ({ id: await ownIso(), mode: 'HTTP_DOWNLOAD' }), OWNER],
  extractTemplate: [async () => ({ id: await ownTemplate(), mode: 'HTTP_DOWNLOAD' }), OWNER],
  getApiLimit: [{}, ALL],
  getTemplateDeploymentSummary: [{}, ALL],
  checkTemplateSource: [
    () => ({ url: 'https://example.org/a.qcow2', format: 'QCOW2', zoneid: lab.zone.uuid }),
    ALL,
  ],
  getTemplateRegistration: [{ customid: 'none' }, ALL],
  getUser: [() => ({ userapikey: lab.other.apiKey }), ADMIN],
  getVirtualMachineConsoleLog: [async () => ({ virtualmachineid: await vm() }), OWNER],
  getVirtualMachineUserData: [async () => ({ virtualmachineid: await vm() }), OWNER],
  getUserKeys: [async () => ({ id: (await newAccount()).userUuid }), [401, 431, 431, 200]],
  listAccounts: [{}, ALL],
  listApis: [{}, ALL],
  listAsyncJobs: [{}, ALL],
  listCapabilities: [{}, ALL],
  listClusters: [{}, ADMIN],
  listConfigurations: [{}, ADMIN],
  listDiskOfferings: [{}, ALL],
  listDomains: [{}, ALL],
  listEvents: [{}, ALL],
  listHosts: [{}, ADMIN],
  listHypervisors: [{}, ALL],
  listIsoPermissions: [async () => ({ id: await ownIso() }), OWNER],
  listIsos: [async () => ({ id: await ownIso(), isofilter: 'executable' }), OWNER],
  listOsCategories: [{}, ALL],
  listOsTypes: [{}, ALL],
  listPods: [{}, ADMIN],
  listAffinityGroups: [{}, ALL],
  listCapacity: [{}, ADMIN],
  listInstanceGroups: [async () => ({ id: await group() }), OWNER],
  listNetworkOfferings: [{}, ALL],
  listSecurityGroups: [{}, ALL],
  listSSHKeyPairs: [{}, ALL],
  listUserData: [async () => ({ id: await userData() }), OWNER],
  registerSSHKeyPair: [() => ({ name: named(), publickey: publicKey() }), ALL],
  registerUserData: [() => ({ name: named(), userdata: 'aGVsbG8=' }), ALL],
  updateInstanceGroup: [async () => ({ id: await group(), name: named() }), OWNER],
  listNetworks: [async () => ({ id: await network() }), OWNER],
  listPublicIpAddresses: [{}, ALL],
  listServiceOfferings: [{}, ALL],
  restartNetwork: [async () => ({ id: await network() }), OWNER],
  updateNetwork: [async () => ({ id: await network(), name: named() }), OWNER],
  updateNetworkOffering: [async () => ({ id: await networkOffering(), name: named() }), ADMIN],
  updateDiskOffering: [async () => ({ id: await diskOffering(), name: named() }), ADMIN],
  updateServiceOffering: [async () => ({ id: await serviceOffering(), name: named() }), ADMIN],
  listResourceLimits: [{}, ALL],
  listRoles: [{}, ADMIN],
  lockAccount: [async () => ({ id: (await newAccount()).accountUuid }), ADMIN],
  lockUser: [async () => ({ id: (await newAccount()).userUuid }), ADMIN],
  listStoragePoolFiles: [{}, ADMIN],
  listStoragePools: [{}, ADMIN],
  listTags: [{}, ALL],
  listTemplateDeployments: [async () => ({ templateid: await ownTemplate() }), OWNER],
  listTemplateDirectDownloadCertificates: [{}, ADMIN],
  listTemplatePermissions: [async () => ({ id: await ownTemplate() }), OWNER],
  listTemplateRollouts: [async () => ({ id: await rollout() }), ADMIN],
  listTemplates: [async () => ({ id: await ownTemplate(), templatefilter: 'executable' }), OWNER],
  listUsers: [{}, ALL],
  listNics: [async () => ({ virtualmachineid: await vm() }), OWNER],
  listVolumes: [async () => ({ virtualmachineid: await vm() }), ALL],
  listVirtualMachines: [async () => ({ id: await vm() }), OWNER],
  listVirtualMachinesMetrics: [async () => ({ id: await vm() }), OWNER],
  listZones: [{}, ALL],
  pauseTemplateRollout: [async () => ({ id: await rollout() }), ADMIN],
  prepareHostForMaintenance: [async () => ({ id: (await freshHost()).hostId }), ADMIN],
  prepareTemplate: [
    async () => ({
      templateid: await ownTemplate(),
      zoneid: lab.zone.uuid,
      storageid: await freshPool(),
    }),
    ADMIN,
  ],
  provisionTemplateDirectDownloadCertificate: [
    async () => ({ id: await certificate(), hostid: host.hostId }),
    ADMIN,
  ],
  queryAsyncJobResult: [() => ({ jobid: job }), OWNER],
  rebootVirtualMachine: [async () => ({ id: await vm('Running') }), OWNER],
  recoverVirtualMachine: [async () => ({ id: await vm('Destroyed') }), [401, 531, 531, 200]],
  registerIso: [() => iso(lab), ALL],
  registerTemplate: [() => template(lab), ALL],
  registerUserKeys: [async () => ({ id: (await newAccount()).userUuid }), [401, 431, 431, 200]],
  removeStoragePoolFiles: [async () => ({ id: pool.id, fileids: await strangeFile() }), ADMIN],
  resetConfiguration: [{ name: 'direct.download.url.deny.ports' }, ADMIN],
  resetSSHKeyForVirtualMachine: [async () => ({ id: await vm(), keypair: await keyPair() }), OWNER],
  resetUserDataForVirtualMachine: [async () => ({ id: await vm(), userdata: 'QUFB' }), OWNER],
  resumeTemplateRollout: [async () => ({ id: await rollout(true) }), ADMIN],
  restoreVirtualMachine: [async () => ({ virtualmachineid: await vm() }), OWNER],
  scaleVirtualMachine: [async () => ({ id: await vm(), serviceofferingid: await otherOffering() }), OWNER],
  startVirtualMachine: [async () => ({ id: await vm() }), OWNER],
  stopVirtualMachine: [async () => ({ id: await vm('Running') }), OWNER],
  revokeTemplateDirectDownloadCertificate: [
    async () => ({ id: await certificate(), zoneid: lab.zone.uuid }),
    ADMIN,
  ],
  updateCluster: [async () => ({ id: await freshCluster(), clustername: named() }), ADMIN],
  updateZone: [() => ({ id: lab.zone.uuid, dns1: '192.0.2.53' }), ADMIN],
  updateConfiguration: [{ name: 'direct.download.url.deny.ports', value: '81' }, ADMIN],
  updateHost: [() => ({ id: host.hostId, downloadlimit: 3 }), ADMIN],
  updateIso: [async () => ({ id: await ownIso(), name: 'renamed' }), OWNER],
  updateIsoPermissions: [async () => ({ id: await ownIso(), isextractable: false }), OWNER],
  updateResourceLimit: [{ account: 'bob', resourcetype: '4', max: -1 }, ADMIN],
  updateStoragePool: [() => ({ id: pool.id, tags: 'fast' }), ADMIN],
  updateTemplate: [async () => ({ id: await ownTemplate(), name: 'renamed' }), OWNER],
  updateVMAffinityGroup: [async () => ({ id: await vm() }), OWNER],
  updateVirtualMachine: [async () => ({ id: await vm(), displayname: 'another' }), OWNER],
  updateTemplatePermissions: [async () => ({ id: await ownTemplate(), isextractable: false }), OWNER],
  uploadTemplateDirectDownloadCertificate: [() => authority(), ADMIN],
  updateUser: [
    async () => ({ id: (await newAccount()).userUuid, password: 'another one' }),
    [401, 431, 431, 200],
  ],
};

test('the table of roles has every command', () => {
  expect(Object.keys(TABLE).toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  expect(PUBLIC_COMMANDS.map(({ name }) => name)).toEqual(['login', 'logout']);
});

describe('each command, called by nobody, a user, the owner and an administrator, answers as the table says', () => {
  // A key pair of RSA takes a second each time; registerSSHKeyPair answers by the same rule.
  const calls = Object.entries(TABLE).filter(([name]) => isFullRun || name !== 'createSSHKeyPair');
  test.each(calls)('%s', async (command, [given, expected]) => {
    const read = async (): Promise<Parameters> => (typeof given === 'function' ? given() : given);
    let parameters = await read();
    const nobody = await sendRaw(
      lab.server,
      Object.entries<Parameters[string]>({ command, ...parameters }).map(
        ([name, value]) => [name, String(value)] as const,
      ),
    );
    const statuses = [nobody.status];
    for (const who of [lab.other, lab.user, lab.admin]) {
      // A refused call leaves everything as it was for the next caller.
      if (statuses.at(-1) === 200) parameters = await read();
      statuses.push((await who.call(command, parameters)).status);
    }
    expect(statuses).toEqual(expected);
  });

  test('login needs a password and logout a session, and both work in any role', async () => {
    const post = { post: true };
    const enter = (password: string) =>
      sendRaw(
        lab.server,
        [
          ['command', 'login'],
          ['username', 'alice'],
          ['password', password],
        ],
        post,
      );
    expect((await enter('wrong password')).status).toBe(531);
    const { status, inner, headers } = await enter('a password');
    expect(status).toBe(200);
    expect(
      (
        await sendRaw(lab.server, [
          ['command', 'logout'],
          ['sessionkey', inner.sessionkey],
        ])
      ).status,
    ).toBe(401);
    const cookie = [headers['set-cookie']]
      .flat()
      .map((one) => String(one).split(';')[0])
      .join('; ');
    const out = [
      ['command', 'logout'],
      ['sessionkey', inner.sessionkey],
    ] as const;
    expect((await sendRaw(lab.server, out, { headers: { cookie } })).status).toBe(200);
  });
});
