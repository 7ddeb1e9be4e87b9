/**
 * Makes docs/screenshots/ anew: each view in both themes, on a screen and on a phone, of an installation in which
 * something goes on. Run by hand: npx jest --testMatch '<rootDir>/test/ui/screenshots.ts'
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';
import { selfSigned } from '../support/certificates.ts';
import { isoImage, noise, qcow2Image, rawDisk, sha256 } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { until } from '../support/until.ts';
import { openUiLab } from './lab.ts';
import type { Theme, UiLab } from './lab.ts';
import { TRANSITIONS_OVER } from './looks.ts';

const FOLDER = join(PROJECT_ROOT, 'docs', 'screenshots');
const MIB = 1_048_576;
/** Bytes; what is larger is too large for a repository. */
const LARGEST = 150_000;
const HEIGHTS = { 1280: 1000, 390: 1500 } as const;

let lab: UiLab;
let views: Readonly<Record<string, string>>;

beforeAll(async () => {
  lab = await openUiLab({ hosts: 2 });
  views = await fill(lab);
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
}, 300_000);
afterAll(() => lab.close());

test.each(
  (['light', 'dark'] as const).flatMap((theme) =>
    ([1280, 390] as const).map((width) => [theme, width] as const),
  ),
)(
  'screenshots, %s, %i px wide',
  async (theme: Theme, width: 1280 | 390) => {
    const visitor = await lab.visit({ theme, width });
    for (const [name, address] of Object.entries(views)) {
      await visitor.page.setViewportSize({ width, height: 700 });
      await visitor.go(address);
      await visitor.settled();
      const height = await visitor.page.evaluate<number>('document.documentElement.scrollHeight');
      const path = join(FOLDER, `${name}-${width}-${theme}.png`);
      await visitor.page.setViewportSize({ width, height: Math.min(height, HEIGHTS[width]) });
      await visitor.page.evaluate(TRANSITIONS_OVER);
      await visitor.page.screenshot({ path });
      expect((await stat(path)).size).toBeLessThan(LARGEST);
    }
    await visitor.close();
    const stranger = await lab.visit({ theme, width, height: 600, as: null });
    await stranger.go('/');
    await stranger.settled();
    await stranger.page.screenshot({ path: join(FOLDER, `login-${width}-${theme}.png`) });
    await stranger.close();
  },
  300_000,
);

/** @returns the addresses of the views, by the names of their pictures */
async function fill(made: UiLab) {
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
  await until('one failed', async () => (await made.deployments({ state: 'Failed' })).length > 0);
  const [host] = await made.hosts();
  const [ready] = await made.deployments({ templateid: first.id });
  return {
    overview: '/',
    templates: '/templates',
    template: `/templates/${first.id}`,
    edit: `/templates/${first.id}/edit`,
    register: '/templates/register',
    isos: '/isos',
    deployments: '/deployments',
    deployment: `/deployments/${ready?.id ?? ''}`,
    hosts: '/hosts',
    host: `/hosts/${host?.id ?? ''}`,
    pools: '/pools',
    certificates: '/certificates',
    upload: '/certificates/upload',
    events: '/events',
  };
}
