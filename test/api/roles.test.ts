/** Every command, by nobody, by a user on what is another's, by the owner, and by an administrator. */
import { randomUUID } from 'node:crypto';
import { COMMANDS, DOORS } from '../../api/registry.ts';
import { failCopy } from '../../db/outcomes.ts';
import { openCopy } from '../../db/copies.ts';
import { recordEvent } from '../../db/events.ts';
import { createAuthority } from '../support/authority.ts';
import { addHost, deploy, openLab, poolReport, sendRaw } from './lab.ts';
import type { Caller, Lab, Parameters, TestHost } from './lab.ts';
import { iso, template } from './registering.ts';

let lab: Lab;
let host: TestHost;
/** Of alice. */
let job: string;
const pool = poolReport('pool-of-nobodys-business', { path: '/srv/hidden/pool' });

beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-hidden-7', pools: [pool] });
  const { templateId: resourceids } = await lab.template(lab.user);
  const tags = { 'tags[0].key': 'k', 'tags[0].value': 'v' };
  job = (await lab.user.ok('createTags', { resourceids, resourcetype: 'Template', ...tags })).jobid as string;
});
afterAll(() => lab.close());

interface Owned {
  /** A template of the owner. */
  readonly template: string;
  readonly iso: string;
  /** A job of the owner. */
  readonly job: string;
}

type Statuses = readonly [nobody: number, user: number, owner: number, admin: number];
type Given = Parameters | ((owned: Owned) => Parameters | Promise<Parameters>);

const ADMIN: Statuses = [401, 401, 401, 200];
const ALL: Statuses = [401, 200, 200, 200];
/** What is not seen is as if it were not there. */
const OWNER: Statuses = [401, 431, 200, 200];

const details = { 'tags[0].key': 'a', 'tags[0].value': 'b' };
const newAccount = async (): Promise<Caller> => lab.newUser(`one-${randomUUID().slice(0, 8)}`, 'user');
const named = (): string => `n-${randomUUID().slice(0, 8)}`;
const freshHost = async (): Promise<TestHost> => addHost(lab, { name: named(), pools: [] });

const freshPool = async (): Promise<string> => {
  const made = poolReport(named());
  await addHost(lab, { name: named(), pools: [made] });
  return made.id;
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

const TABLE: Readonly<Record<string, readonly [Given, Statuses]>> = {
  addCluster: [() => ({ clustername: named(), zoneid: lab.zone.uuid }), ADMIN],
  cancelHostMaintenance: [() => ({ id: host.hostId }), ADMIN],
  cancelStorageMaintenance: [() => ({ id: pool.id }), ADMIN],
  cancelTemplateDeployment: [({ template: templateid }) => ({ templateid, storageid: pool.id }), ADMIN],
  createAccount: [() => ({ username: named(), password: 'a password' }), ADMIN],
  createHostInvite: [() => ({ zoneid: lab.zone.uuid }), ADMIN],
  createTags: [({ template: id }) => ({ resourceids: id, resourcetype: 'Template', ...details }), OWNER],
  createZone: [() => ({ name: named() }), ADMIN],
  deleteAccount: [async () => ({ id: (await newAccount()).accountUuid }), ADMIN],
  deleteHost: [async () => ({ id: (await freshHost()).hostId, forced: true }), ADMIN],
  deleteIso: [({ iso: id }) => ({ id }), OWNER],
  deleteTags: [({ iso: id }) => ({ resourceids: id, resourcetype: 'ISO' }), OWNER],
  deleteTemplateDirectDownloadCertificate: [async () => ({ id: await certificate() }), ADMIN],
  deleteTemplate: [({ template: id }) => ({ id }), OWNER],
  enableStorageMaintenance: [async () => ({ id: await freshPool() }), ADMIN],
  extractIso: [({ iso: id }) => ({ id, mode: 'HTTP_DOWNLOAD' }), OWNER],
  extractTemplate: [({ template: id }) => ({ id, mode: 'HTTP_DOWNLOAD' }), OWNER],
  getApiLimit: [{}, ALL],
  getTemplateDeploymentSummary: [{}, ALL],
  getTemplateRegistration: [{ customid: 'none' }, ALL],
  getUser: [() => ({ userapikey: lab.other.apiKey }), ADMIN],
  listAccounts: [{}, ALL],
  listApis: [{}, ALL],
  listAsyncJobs: [{}, ALL],
  listCapabilities: [{}, ALL],
  listClusters: [{}, ADMIN],
  listConfigurations: [{}, ADMIN],
  listDomains: [{}, ALL],
  listEvents: [{}, ALL],
  listHosts: [{}, ADMIN],
  listHypervisors: [{}, ALL],
  listIsoPermissions: [({ iso: id }) => ({ id }), OWNER],
  listIsos: [({ iso: id }) => ({ id, isofilter: 'executable' }), OWNER],
  listOsCategories: [{}, ALL],
  listOsTypes: [{}, ALL],
  listPods: [{}, ADMIN],
  listResourceLimits: [{}, ALL],
  listStoragePools: [{}, ADMIN],
  listTags: [{}, ALL],
  listTemplateDeployments: [({ template: templateid }) => ({ templateid }), OWNER],
  listTemplateDirectDownloadCertificates: [{}, ADMIN],
  listTemplatePermissions: [({ template: id }) => ({ id }), OWNER],
  listTemplates: [({ template: id }) => ({ id, templatefilter: 'executable' }), OWNER],
  listUsers: [{}, ALL],
  listZones: [{}, ALL],
  prepareHostForMaintenance: [async () => ({ id: (await freshHost()).hostId }), ADMIN],
  prepareTemplate: [
    async ({ template: templateid }) => ({
      templateid,
      zoneid: lab.zone.uuid,
      storageid: await freshPool(),
    }),
    ADMIN,
  ],
  provisionTemplateDirectDownloadCertificate: [
    async () => ({ id: await certificate(), hostid: host.hostId }),
    ADMIN,
  ],
  queryAsyncJobResult: [({ job: jobid }) => ({ jobid }), OWNER],
  registerIso: [() => iso(lab), ALL],
  registerTemplate: [() => template(lab), ALL],
  registerUserKeys: [async () => ({ id: (await newAccount()).userUuid }), [401, 431, 431, 200]],
  resetConfiguration: [{ name: 'direct.download.url.deny.ports' }, ADMIN],
  revokeTemplateDirectDownloadCertificate: [
    async () => ({ id: await certificate(), zoneid: lab.zone.uuid }),
    ADMIN,
  ],
  updateConfiguration: [{ name: 'direct.download.url.deny.ports', value: '81' }, ADMIN],
  updateHost: [() => ({ id: host.hostId, downloadlimit: 3 }), ADMIN],
  updateIso: [({ iso: id }) => ({ id, name: 'renamed' }), OWNER],
  updateIsoPermissions: [({ iso: id }) => ({ id, isextractable: false }), OWNER],
  updateResourceLimit: [{ account: 'bob', resourcetype: '4', max: -1 }, ADMIN],
  updateStoragePool: [() => ({ id: pool.id, tags: 'fast' }), ADMIN],
  updateTemplate: [({ template: id }) => ({ id, name: 'renamed' }), OWNER],
  updateTemplatePermissions: [({ template: id }) => ({ id, isextractable: false }), OWNER],
  uploadTemplateDirectDownloadCertificate: [() => authority(), ADMIN],
  updateUser: [
    async () => ({ id: (await newAccount()).userUuid, password: 'another one' }),
    [401, 431, 431, 200],
  ],
};

test('the table has every command', () => {
  expect(Object.keys(TABLE).toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  expect(DOORS.map(({ name }) => name)).toEqual(['login', 'logout']);
});

/** The owner is alice, the user bob. */
async function own(): Promise<Owned> {
  const { templateId } = await lab.template(lab.user);
  const { templateId: isoId } = await lab.template(lab.user, { format: 'ISO' });
  return { template: templateId, iso: isoId, job };
}

describe('nobody, a user, the owner, an administrator', () => {
  test.each(Object.entries(TABLE))('%s', async (command, [given, expected]) => {
    const read = async (): Promise<Parameters> => (typeof given === 'function' ? given(await own()) : given);
    const nobody = await sendRaw(
      lab.server,
      Object.entries<Parameters[string]>({ command, ...(await read()) }).map(
        ([name, value]) => [name, String(value)] as const,
      ),
    );
    const statuses = [nobody.status];
    for (const who of [lab.other, lab.user, lab.admin])
      statuses.push((await who.call(command, await read())).status);
    expect(statuses).toEqual(expected);
  });

  test('login and logout are for everybody who has a password, or a session', async () => {
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

/** Everything that can be asked for without knowing more than he does. */
async function everythingToldTo(who: Caller): Promise<string> {
  const texts: string[] = [];
  const asked = new Set<string>();
  const filters = ['featured', 'self', 'selfexecutable', 'sharedexecutable', 'executable', 'community'];
  for (const { name } of COMMANDS.filter((one) => /^(?:list|get)/.test(one.name))) {
    const calls: readonly Parameters[] = /Templates|Isos/.test(name)
      ? filters.map((filter) => ({
          templatefilter: filter,
          isofilter: filter,
          details: 'all',
          showremoved: true,
        }))
      : [{}];
    for (const parameters of calls) {
      const { text, inner } = await who.call(name, parameters);
      texts.push(text);
      for (const one of inner.template ?? []) {
        // Those of one name and owner are alike.
        const alike = `${one.name} of ${one.account}`;
        if (asked.has(alike)) continue;
        asked.add(alike);
        const by = { id: one.id, templatefilter: 'executable', details: 'all' };
        texts.push((await who.call('listTemplates', by)).text);
        texts.push((await who.call('extractTemplate', { id: one.id, mode: 'HTTP_DOWNLOAD' })).text);
      }
      for (const { jobid, cmd } of inner.asyncjobs ?? []) {
        if (asked.has(cmd as string)) continue;
        asked.add(cmd as string);
        texts.push((await who.call('queryAsyncJobResult', { jobid })).text);
      }
    }
  }
  return texts.join('\n');
}

describe('what a user is told', () => {
  const SECRETS = { url: 'https://private.example.org/of-alice.qcow2', header: 'X-Alices-Own' };

  beforeAll(async () => {
    const owned = await lab.user.ok(
      'registerTemplate',
      template(lab, {
        name: 'of alice',
        url: SECRETS.url,
        ispublic: true,
        [`details[0].HTTP_HEADER:${SECRETS.header}`]: 'the value of it',
      }),
    );
    const { templateId } = await lab.template(lab.other, { name: 'of bob' });
    await deploy(lab, { templateId, poolId: pool.id }, { host, pool, tries: [] });
    await deploy(lab, { templateId: owned.template[0].id, poolId: pool.id }, { host, pool });
    const { templateId: failed } = await lab.template(lab.other, { name: 'of bob, failed' });
    const copy = { templateId: failed, poolId: pool.id };
    await openCopy(lab.db, copy, 'a workflow');
    await failCopy(
      lab.db,
      { copy, outcomeId: randomUUID(), workflowId: 'a workflow' },
      { code: 530, text: `host ${host.name} does not answer` },
    );
    await recordEvent(lab.db, {
      type: 'TEMPLATE.URL.DENY',
      description: `Host ${host.name} refused it, as no host that is Up may do it`,
      userUuid: lab.other.userUuid,
      accountUuid: lab.other.accountUuid,
      resourceType: 'VirtualMachineTemplate',
      resourceUuid: failed,
    });
  });

  test('nothing of hosts, of pools but the name, or of the URLs and headers of others', async () => {
    const told = await everythingToldTo(lab.other);
    expect(told).toContain('of bob, failed');
    expect(told).toContain('as no host that is Up may do it');
    const hidden = [host.name, host.hostId, pool.id, pool.path, '192.0.2.7', SECRETS.url, SECRETS.header];
    expect([...hidden, 'the value of it'].filter((secret) => told.includes(secret))).toEqual([]);
  });

  test('the owner is told his URL; the value of a header nobody', async () => {
    expect(await everythingToldTo(lab.user)).toContain(SECRETS.url);
    const told = await everythingToldTo(lab.admin);
    expect(told).toContain(host.name);
    expect(told).toContain(SECRETS.url);
    expect(told).not.toContain('the value of it');
  });
});
