/** Every command of the API is a command of the CLI, or stands here with why it is for `bypass api` alone. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMANDS, DOORS } from '../../api/registry.ts';
import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, hosts, pools, template, zone } from './fleet.ts';
import { bypass } from './terminal.ts';

const BY_HAND: Readonly<Record<string, string>> = {
  getApiLimit: 'for programs that pace themselves; the CLI waits when it is told to',
  getTemplateDeploymentSummary: 'the counts of the page; deploy list has the rows',
  getTemplateRegistration: 'for the page; template register --wait follows a registration by its template',
  getUser: 'for programs that have an API key and want its user; account list shows all',
  listApis: 'bypass api listApis; people have --help',
  listCapabilities: 'what CloudStack clients ask for',
  listDomains: 'there is one, ROOT',
  listHypervisors: 'there is one, KVM',
  listOsCategories: 'what forms of CloudStack clients group by',
  listPods: 'there is one for each cluster',
  listResourceLimits: 'account list shows the limit and how much of it is used',
  listTags: 'template show and iso show have those of each',
  login: 'the CLI signs with keys, and has no session',
  logout: 'the same',
};

const LINES: readonly string[] = [
  'template register --name new --url http://a.example.org/b.qcow2',
  'template list',
  'template show ubuntu',
  'template update ubuntu --name u2 --public --os-type Debian',
  'template permissions ubuntu',
  'template source ubuntu',
  'template tag ubuntu env=prod',
  'template untag ubuntu env',
  'template delete ubuntu',
  'iso register --name new --url http://a.example.org/b.iso',
  'iso list',
  'iso update disc --name d2 --public',
  'iso permissions disc',
  'iso source disc',
  'iso delete disc',
  'deploy start ubuntu',
  'deploy list',
  'deploy cancel ubuntu --pool local-1',
  'zone create amsterdam',
  'zone list',
  'cluster add rack-9',
  'cluster list',
  'host invite',
  'host list',
  'host approve kvm-2',
  'host maintenance kvm-1 on',
  'host maintenance kvm-1 off',
  'host remove kvm-2',
  'pool list',
  'pool maintenance shared on',
  'pool maintenance shared off',
  'pool tag shared ssd',
  'config list',
  'config set a b',
  'config reset a',
  'certificate upload mirror @ca.pem',
  'certificate list',
  'certificate provision mirror kvm-1',
  'certificate revoke mirror',
  'certificate delete mirror',
  'account create alice',
  'account list',
  'account keys alice',
  'account password alice --password-file @password',
  'account limit alice 20',
  'account delete alice',
  'event list',
  'job list',
  'job show j1',
];

const ubuntu = template('ubuntu');
const disc = { ...template('disc'), format: 'ISO' };
const alice = { id: 'a1', name: 'alice', user: [{ id: 'u1', username: 'alice' }] };
const certificate = { id: 'c1', alias: 'mirror', zoneid: zone.id, zonename: zone.name, hostsmap: [] };
const permission = { templatepermission: { ispublic: true, account: [] } };
const done = { jobid: 'j1', cmd: 'x', jobstatus: 1, jobresultcode: 0, created: '2026-11-24T07:00:00+0000' };

let api: ApiServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-coverage-'));
  await writeFile(join(folder, 'ca.pem'), 'a certificate');
  await writeFile(join(folder, 'password'), 'a password');
  api = await startApi({
    ...Object.fromEntries(COMMANDS.map(({ name }) => [name, () => ({ success: true, jobid: 'j1' })])),
    ...fleet({ templates: [ubuntu], progress: () => 0.5 }),
    listIsos: ({ name }) => ({ iso: [disc].filter((one) => !name || one.name === name) }),
    registerIso: () => ({ count: 1, iso: [disc] }),
    listIsoPermissions: () => permission,
    listTemplatePermissions: () => permission,
    listOsTypes: () => ({ ostype: [{ id: 'o1', description: 'Debian' }] }),
    listAccounts: () => ({ account: [alice] }),
    listUsers: () => ({ user: alice.user }),
    createAccount: () => ({ account: alice }),
    registerUserKeys: () => ({ userkeys: { apikey: 'k', secretkey: 's' } }),
    createZone: () => ({ zone }),
    addCluster: () => ({ count: 1, cluster: [{ id: 'c', name: 'rack-9' }] }),
    createHostInvite: () => ({ hostinvite: { token: 'tok' } }),
    updateHost: () => ({ host: hosts[1] }),
    updateStoragePool: () => ({ storagepool: pools[2] }),
    listEvents: () => ({ event: [] }),
    listConfigurations: () => ({ configuration: [] }),
    updateConfiguration: () => ({ configuration: { name: 'a', value: 'b' } }),
    resetConfiguration: () => ({ configuration: { name: 'a' } }),
    listTemplateDirectDownloadCertificates: () => ({ directdownloadcertificate: [certificate] }),
    uploadTemplateDirectDownloadCertificate: () => ({ uploadtemplatedirectdownloadcertificate: certificate }),
    provisionTemplateDirectDownloadCertificate: () => ({
      directdownloadcertificatehoststatus: { hostname: 'kvm-1', status: 'UPLOADED' },
    }),
    revokeTemplateDirectDownloadCertificate: () => ({ directdownloadcertificatehoststatus: [] }),
    listAsyncJobs: () => ({ asyncjobs: [done] }),
    queryAsyncJobResult: () => ({ ...done, jobresult: { template: { url: 'x' }, iso: { url: 'x' } } }),
  });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

test('each has its noun and verb, or its reason', async () => {
  for (const line of LINES) {
    const { code, stderr } = await bypass(api, line.replaceAll('@', `${folder}/`).split(' '));
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
  }
  const called = new Set(api.calls.map(({ command }) => command));
  const names = [...COMMANDS, ...DOORS].map(({ name }) => name);
  const missing = names.filter((name) => !called.has(name) && BY_HAND[name] === undefined);
  expect({ missing, needless: Object.keys(BY_HAND).filter((name) => called.has(name)) }).toEqual({
    missing: [],
    needless: [],
  });
  expect(Object.keys(BY_HAND).filter((name) => !names.includes(name))).toEqual([]);
});
