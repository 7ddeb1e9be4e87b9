/**
 * Makes the pictures of docs/screenshots/, and pictures of all views for review in a temporary folder, of an
 * installation with deployments in progress and a virtual machine, which needs libvirt. Run by hand:
 * npx jest --testMatch '<rootDir>/test/ui/screenshots.ts'
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { bootDisk } from '../support/boot-images.ts';
import { selfSigned } from '../support/certificates.ts';
import { isoImage, noise, qcow2Image, rawDisk, sha256 } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { until } from '../support/until.ts';
import { openUiLab } from '../labs/ui.ts';
import type { Theme, UiLab, Visitor } from '../labs/ui.ts';
import { TRANSITIONS_OVER } from './looks.ts';

/** Of the documentation. */
const FOLDER = join(PROJECT_ROOT, 'docs', 'screenshots');
/** All views. */
const ALL = join(tmpdir(), 'bypass-screenshots');
const MIB = 1_048_576;
/** Bytes; a picture that is larger is too large for a repository. */
const LARGEST = 150_000;
/** Pixels, by width, of pictures for looking at. */
const HEIGHTS = { 1280: 1000, 390: 1500 } as const;
/** Pixels, by width, of those that are kept: what a screen shows at once. */
const KEPT_HEIGHTS = { 1280: 1000, 390: 844 } as const;
const USER = { username: 'kim', password: 'a-long-password' };

interface View {
  readonly name: string;
  readonly address: string;
  /** What a person does there before the picture is taken. */
  readonly act?: (visitor: Visitor) => Promise<void>;
}

interface Look {
  readonly theme: Theme;
  readonly width: keyof typeof HEIGHTS;
}

/** The pictures that the documentation keeps, by the names of their views. */
const DOCUMENTED: readonly (Look & { readonly name: string })[] = [
  { name: 'overview', theme: 'light', width: 1280 },
  { name: 'register', theme: 'light', width: 1280 },
  { name: 'template', theme: 'dark', width: 1280 },
  { name: 'instance', theme: 'light', width: 1280 },
  { name: 'hosts', theme: 'light', width: 1280 },
  { name: 'overview', theme: 'dark', width: 390 },
];

let libvirt: LibvirtLab;
let lab: UiLab;
let views: readonly View[];

beforeAll(async () => {
  libvirt = await openLibvirtLab();
  lab = await openUiLab({
    hosts: 2,
    env: { BYPASS_LIBVIRT_URI: libvirt.uri, BYPASS_VM_ACCELERATOR: 'tcg' },
  });
  views = await fill(lab);
  for (const folder of [FOLDER, ALL]) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  }
}, 300_000);
afterAll(async () => {
  await lab.close();
  await libvirt.close();
}, 120_000);

test('the pictures of the documentation are made', async () => {
  for (const { name, ...look } of DOCUMENTED) {
    const visitor = await lab.visit(look);
    const path = join(FOLDER, `${name}-${look.width}-${look.theme}.png`);
    for (const view of views.filter((one) => one.name === name)) {
      await take(visitor, view, { width: look.width, height: KEPT_HEIGHTS[look.width] }, path);
    }
    expect((await stat(path)).size).toBeLessThan(LARGEST);
    await visitor.close();
  }
}, 300_000);

test.each([
  ['admin', 'light', 1280],
  ['admin', 'light', 390],
  ['admin', 'dark', 1280],
  ['admin', 'dark', 390],
  ['user', 'light', 1280],
  ['user', 'light', 390],
] as const)(
  'all views: %s, %s, %i px',
  async (who, theme, width) => {
    const as = who === 'user' ? { as: USER } : {};
    const visitor = await lab.visit({ theme, width, ...as });
    for (const view of views) {
      const path = join(ALL, `${who}-${view.name}-${width}-${theme}.png`);
      await take(visitor, view, { width, height: HEIGHTS[width] }, path);
    }
    await visitor.close();
    const stranger = await lab.visit({ theme, width, height: 600, as: null });
    await stranger.go('/');
    await stranger.settled();
    await stranger.page.screenshot({ path: join(ALL, `login-${width}-${theme}.png`) });
    await stranger.close();
  },
  300_000,
);

/** @param max maximum size in pixels; a view that is shorter makes a shorter picture */
async function take(
  visitor: Visitor,
  view: View,
  max: { readonly width: number; readonly height: number },
  path: string,
): Promise<void> {
  const { page } = visitor;
  const { width } = max;
  await page.setViewportSize({ width, height: 700 });
  await visitor.go(view.address);
  await visitor.settled();
  await view.act?.(visitor);
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  await page.setViewportSize({ width, height: Math.min(height, max.height) });
  await page.evaluate('scrollTo(0, 0)');
  await page.evaluate(TRANSITIONS_OVER);
  await page.screenshot({ path });
}

async function fill(made: UiLab): Promise<readonly View[]> {
  const { server } = made;
  const [own, other, shared] = made.pools;
  const debian = Buffer.concat([qcow2Image({ virtualSize: 2n << 30n, l1Size: 4 }), noise(24 * MIB)]);
  server.serve('/debian-12-genericcloud-amd64.qcow2', { body: debian });
  const url = server.url('/debian-12-genericcloud-amd64.qcow2');
  const dead = server.url('/old/debian-12-genericcloud-amd64.qcow2');
  server.serve('/debian-12.meta4', {
    body: metalink4([dead, url], { size: debian.length, sha256: sha256(debian) }),
  });
  const first = await made.register({
    url: server.url('/debian-12.meta4'),
    format: 'QCOW2',
    name: 'debian-12',
    displaytext: 'Debian 12, generic cloud image',
  });
  await made.deploy(first.id);
  const golden = rawDisk(8 * MIB);
  server.serve('/golden.raw', { body: golden });
  const bad = await made.register({
    url: server.url('/golden.raw'),
    name: 'golden-image',
    displaytext: 'What our VMs begin with',
  });
  server.serve('/golden.raw', { body: Buffer.from(`<!DOCTYPE html>${' '.repeat(golden.length)}`) });
  await made.prepare(bad.id, other?.id);
  server.serve('/patient.raw', { body: rawDisk(4 * MIB) });
  const busy = await made.register({
    url: server.url('/patient.raw'),
    name: 'appliance',
    displaytext: 'Mail gateway',
  });
  server.serve('/patient.raw', { status: 503, headers: { 'retry-after': '1800' } });
  await made.prepare(busy.id, own?.id);
  await until('one waits', async () =>
    (await made.deployments({ templateid: busy.id })).some(({ waitreason }) => waitreason !== undefined),
  );
  // Two downloads are all that a host does at a time: those that are slow come last.
  server.serve('/ubuntu.img', { body: rawDisk(40 * MIB), pauseMs: 1500 });
  const ubuntu = await made.register({
    url: server.url('/ubuntu.img'),
    name: 'ubuntu-24.04',
    displaytext: 'Ubuntu 24.04 LTS',
  });
  await made.prepare(ubuntu.id, own?.id);
  await made.prepare(ubuntu.id, shared?.id);
  server.serve('/netinst.iso', { body: isoImage() });
  await made.register({
    url: server.url('/netinst.iso'),
    format: 'ISO',
    name: 'debian-12-netinst',
    displaytext: 'Debian 12, network installer',
  });
  await made.refused({ url: server.url('/gone.raw'), name: 'gone' });
  await made.call('uploadTemplateDirectDownloadCertificate', {
    name: 'corporate-ca',
    certificate: selfSigned({ days: 400, names: ['Example Corporate CA'] }).cert,
    hypervisor: 'KVM',
    zoneid: made.zoneId,
  });
  await made.call('uploadTemplateDirectDownloadCertificate', {
    name: 'mirror-amsterdam',
    certificate: selfSigned({ days: 12, names: ['mirror.ams.example.org'] }).cert,
    hypervisor: 'KVM',
    zoneid: made.zoneId,
  });
  await made.call('createAccount', USER);
  await made.call('updateTemplatePermissions', { id: first.id, ispublic: true, isfeatured: true });
  await made.call('updateTemplatePermissions', { id: ubuntu.id, op: 'add', accounts: USER.username });
  const instance = await deployMachine(made);
  await until('one failed', async () => (await made.deployments({ state: 'Failed' })).length > 0);
  const [host] = await made.hosts();
  const [ready] = await made.deployments({ templateid: first.id });
  const [failed] = await made.deployments({ templateid: bad.id });
  const [waiting] = await made.deployments({ templateid: busy.id });
  const [loading] = await made.deployments({ templateid: ubuntu.id });
  const { account: [account] = [] } = await made.call<{
    readonly account?: readonly { readonly id: string }[];
  }>('listAccounts', { name: USER.username });
  const addresses = {
    overview: '/',
    templates: '/templates',
    template: `/templates/${ubuntu.id}`,
    'template-mirrors': `/templates/${first.id}`,
    'template-failed': `/templates/${bad.id}`,
    edit: `/templates/${first.id}/edit`,
    isos: '/isos',
    deployments: '/deployments',
    deployment: `/deployments/${ready?.id ?? ''}`,
    'deployment-failed': `/deployments/${failed?.id ?? ''}`,
    'deployment-waiting': `/deployments/${waiting?.id ?? ''}`,
    'deployment-loading': `/deployments/${loading?.id ?? ''}`,
    hosts: '/hosts',
    host: `/hosts/${host?.id ?? ''}`,
    pools: '/pools',
    pool: `/pools/${own?.id ?? ''}`,
    zones: '/zones',
    certificates: '/certificates',
    upload: '/certificates/upload',
    accounts: '/accounts',
    account: `/accounts/${account?.id ?? ''}`,
    settings: '/settings',
    instances: '/instances',
    instance: `/instances/${instance}`,
    'instance-edit': `/instances/${instance}/edit`,
    'instance-deploy': `/instances/deploy?template=${first.id}`,
    offerings: '/offerings',
    networks: '/networks',
    'ssh-keys': '/ssh-keys',
    jobs: '/jobs',
    events: '/events',
    me: '/me',
    nothing: '/nope',
  };
  return [
    ...Object.entries(addresses).map(([name, address]) => ({ name, address })),
    {
      name: 'register',
      address: '/templates/register',
      act: (visitor) => checkSource(visitor, url, sha256(debian)),
    },
    { name: 'register-iso', address: '/isos/register' },
    {
      name: 'deploy',
      address: `/templates/${ubuntu.id}`,
      async act({ press, settled, page }) {
        if ((await page.getByRole('button', { name: 'Deploy', exact: true }).count()) === 0) return;
        await press('button', 'Deploy');
        await page.getByRole('dialog').getByRole('button').last().waitFor();
        await settled();
      },
    },
    {
      name: 'menu',
      address: '/',
      async act({ page }) {
        const menu = page.getByRole('button', { name: 'Open the menu' });
        if (await menu.isVisible()) await menu.click();
        await page.getByRole('button', { name: /^User / }).click();
        await page.getByRole('menuitem', { name: 'Log out' }).waitFor();
      },
    },
  ];
}

/** A machine of the user, which runs and has written to its console. @returns its id */
async function deployMachine(made: UiLab): Promise<string> {
  const lines = ['hello from web1', 'This guest is a boot sector of 512 bytes.', 'It halts now.'];
  made.server.serve('/web.raw', { body: bootDisk(lines.join('\r\n')) });
  const image = await made.register({
    url: made.server.url('/web.raw'),
    name: 'web-server',
    displaytext: 'Web server, ready to serve',
  });
  await made.call('updateTemplatePermissions', { id: image.id, ispublic: true });
  const { serviceoffering } = await made.call<{ readonly serviceoffering: { readonly id: string } }>(
    'createServiceOffering',
    { name: 'small', displaytext: 'small', cpunumber: 1, cpuspeed: 1000, memory: 128, storagetype: 'any' },
  );
  const { id, jobid } = await made.call<{ readonly id: string; readonly jobid: string }>(
    'deployVirtualMachine',
    {
      name: 'web1',
      displayname: 'Web server of the shop',
      templateid: image.id,
      zoneid: made.zoneId,
      serviceofferingid: serviceoffering.id,
      account: USER.username,
      group: 'shop',
    },
  );
  expect((await made.job(jobid)).jobresult).not.toHaveProperty('errortext');
  await until('the guest has written its lines', async () => {
    const { consolelog } = await made.call<{ readonly consolelog: { readonly output: string } }>(
      'getVirtualMachineConsoleLog',
      { virtualmachineid: id },
    );
    return consolelog.output.includes('halts') || undefined;
  });
  return id;
}

/** The form to register, filled, with what the check of its URL found. */
async function checkSource({ page, press }: Visitor, url: string, checksum: string): Promise<void> {
  await page.getByRole('textbox', { name: 'URL' }).fill(url);
  await page.getByRole('textbox', { name: 'Checksum' }).fill(checksum);
  await press('button', 'Check');
  await page.getByRole('status').filter({ hasText: 'It can be registered' }).waitFor();
}
