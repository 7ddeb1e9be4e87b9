/** Every command of the API has a command of the CLI, or is listed here with the reason why only `bypass api` calls it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, hosts, pools, template, zone } from './fleet.ts';
import { key, lan, machine, machines, small } from './machines.ts';
import { bypass } from './terminal.ts';

const BY_HAND: Readonly<Record<string, string>> = {
  checkTemplateSource: 'for the form of the page; template register says the same of a URL that is no image',
  getApiLimit: 'for programs that pace themselves; the CLI waits for the Retry-After of an answer',
  getTemplateDeploymentSummary: 'the counts of the page; deploy list has the rows',
  getTemplateRegistration: 'for the page; template register --wait follows a registration by its template',
  getUser: 'for programs that have an API key and want its user; account list shows all',
  listRoles: 'there are two: account create makes one of the one or the other',
  createDiskOffering:
    'the one whose size is chosen exists from the start, which is enough for disks of machines',
  deleteDiskOffering: 'the same',
  listDiskOfferings: 'the same',
  updateDiskOffering: 'the same',
  createNetworkOffering: 'those that exist from the start are enough',
  deleteNetworkOffering: 'the same',
  updateNetworkOffering: 'the same',
  listPublicIpAddresses: 'what CloudStack clients ask for; there is none',
  listVirtualMachinesMetrics: 'what CloudStack clients ask for; vm list has the same',
  getVirtualMachineUserData: 'for clients that compare it; vm edit replaces it',
  listNics: 'vm show has them',
  resetUserDataForVirtualMachine: 'vm edit --user-data changes it',
  scaleVirtualMachine: 'vm edit --offering does the same by changeServiceForVirtualMachine',
  updateVMAffinityGroup: 'what CloudStack clients ask for; there are no affinity groups',
  restartNetwork: 'what CloudStack clients ask for; a network here has nothing to restart',
  updateNetwork: 'for clients that describe a network; network create and delete are enough for people',
  createInstanceGroup: 'vm deploy --group and vm edit --group make groups by their use',
  deleteInstanceGroup: 'for clients that list groups; people see them at their machines',
  listInstanceGroups: 'the same',
  updateInstanceGroup: 'the same',
  deleteUserData: 'for clients that share user data; vm deploy --user-data takes a file',
  listUserData: 'the same',
  registerUserData: 'the same',
  listCapacity: 'host show has what machines take of each host; pool list has the space',
  listAffinityGroups: 'what CloudStack clients ask for; there is none',
  listSecurityGroups: 'the same',
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
  'rollout list',
  'rollout pause r1',
  'rollout resume r1',
  'rollout cancel r1',
  'vm deploy web9 --template ubuntu',
  'vm list',
  'vm start web1',
  'vm stop web1',
  'vm reboot web1',
  'vm destroy web1',
  'vm expunge web1',
  'vm show web1',
  'vm log web1',
  'vm recover web1',
  'vm restore web1',
  'vm attach-iso web1 disc',
  'vm detach-iso web1',
  'vm edit web1 --group g --offering small --key me',
  'offering list',
  'offering create big --cpus 4 --memory 8G',
  'offering edit small --host-tags gpu',
  'offering delete small',
  'network list',
  'network create wan',
  'network delete lan',
  'key list',
  'key register @ca.pem --name me',
  'key create web',
  'key delete me',
  'zone create amsterdam',
  'zone list',
  'zone update zone-1 --state Disabled',
  'zone delete zone-1',
  'cluster add rack-9',
  'cluster list',
  'cluster update rack-1 --name rack-2',
  'cluster delete rack-1',
  'host invite',
  'host list',
  'host show kvm-1',
  'host approve kvm-2',
  'host maintenance kvm-1 on',
  'host maintenance kvm-1 off',
  'host drain kvm-1',
  'host remove kvm-2',
  'pool list',
  'pool maintenance shared on',
  'pool maintenance shared off',
  'pool tag shared ssd',
  'pool files shared',
  'pool cleanup shared --dry-run',
  'pool remove-files shared stray.img --yes',
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
  'account disable alice',
  'account enable alice',
  'account lock alice',
  'account delete alice',
  'user list',
  'user create bob --account alice',
  'user keys alice',
  'user disable alice',
  'user enable alice',
  'user lock alice',
  'user delete alice',
  'event list',
  'job list',
  'job show j1',
];

const ubuntu = template('ubuntu');
const disc = { ...template('disc'), format: 'ISO' };
const alice = { id: 'a1', name: 'alice', user: [{ id: 'u1', username: 'alice' }] };
const certificate = { id: 'c1', alias: 'mirror', zoneid: zone.id, zonename: zone.name, hostsmap: [] };
const permission = { templatepermission: { ispublic: true, account: [] } };
const rollout = {
  id: 'r1',
  templatename: 'ubuntu',
  zonename: zone.name,
  state: 'Running',
  total: 2,
  ready: 1,
};
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
    ...machines({ machines: [machine('web1')] }),
    listTemplateRollouts: () => ({ templaterollout: [rollout] }),
    pauseTemplateRollout: () => ({ templaterollout: rollout }),
    resumeTemplateRollout: () => ({ templaterollout: rollout }),
    cancelTemplateRollout: () => ({ templaterollout: rollout }),
    createServiceOffering: () => ({ serviceoffering: small }),
    updateServiceOffering: () => ({ serviceoffering: small }),
    createNetwork: () => ({ network: lan }),
    registerSSHKeyPair: () => ({ keypair: key }),
    createSSHKeyPair: () => ({ keypair: { ...key, privatekey: 'x' } }),
    getVirtualMachineConsoleLog: () => ({ consolelog: { output: 'x', size: 1, truncated: false } }),
    listIsos: ({ name }) => ({ iso: [disc].filter((one) => !name || one.name === name) }),
    registerIso: () => ({ count: 1, iso: [disc] }),
    listIsoPermissions: () => permission,
    listTemplatePermissions: () => permission,
    listOsTypes: () => ({ ostype: [{ id: 'o1', description: 'Debian' }] }),
    listAccounts: () => ({ account: [alice] }),
    listUsers: () => ({ user: alice.user }),
    createAccount: () => ({ account: alice }),
    registerUserKeys: () => ({ userkeys: { apikey: 'k', secretkey: 's' } }),
    getUserKeys: () => ({ userkeys: { apikey: 'k', secretkey: 's' } }),
    createUser: () => ({ user: alice.user[0] }),
    updateZone: () => ({ zone }),
    updateCluster: () => ({ cluster: { id: 'c', name: 'rack-2' } }),
    createZone: () => ({ zone }),
    addCluster: () => ({ count: 1, cluster: [{ id: 'c', name: 'rack-9' }] }),
    createHostInvite: () => ({ hostinvite: { token: 'tok' } }),
    updateHost: () => ({ host: hosts[1] }),
    updateStoragePool: () => ({ storagepool: pools[2] }),
    listStoragePoolFiles: () => ({ storagepoolfile: [{ id: 'f1', name: 'stray.img', kind: 'Unknown' }] }),
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

test('each command of the API has a noun and verb, or a reason why not', async () => {
  for (const line of LINES) {
    const { code, stderr } = await bypass(api, line.replaceAll('@', `${folder}/`).split(' '));
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
  }
  const called = new Set(api.calls.map(({ command }) => command));
  const names = [...COMMANDS, ...PUBLIC_COMMANDS].map(({ name }) => name);
  const missing = names.filter((name) => !called.has(name) && BY_HAND[name] === undefined);
  expect({ missing, needless: Object.keys(BY_HAND).filter((name) => called.has(name)) }).toEqual({
    missing: [],
    needless: [],
  });
  expect(Object.keys(BY_HAND).filter((name) => !names.includes(name))).toEqual([]);
});
