/** Virtual machines of a whole installation, on a real libvirtd and QEMU. Guests are boot sectors that write one line. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { openBrowser, testOf } from '../labs/ui.ts';
import type { Browsing } from '../labs/ui.ts';
import { bootDisk } from '../support/boot-images.ts';
import { deferred } from '../support/deferred.ts';
import { sha256 } from '../support/images.ts';
import { isFullRun, needing } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { deployThroughDeaths, MACHINE_DEATHS, TELLING } from './machine-deaths.ts';
import { openMachines } from './machines.ts';
import type { Machines } from './machines.ts';
import { planDeaths } from './planned-deaths.ts';
import type { PlannedDeaths } from './planned-deaths.ts';

/** Machines of one template at once. */
const MANY = isFullRun ? 50 : 2;
const MANY_MS = isFullRun ? 1_800_000 : 240_000;

needingLibvirt()('virtual machines', () => {
  let libvirt: LibvirtLab;
  let lab: EndToEnd;
  let machines: Machines;
  let deaths: PlannedDeaths;
  beforeAll(async () => {
    libvirt = await openLibvirtLab();
    deaths = planDeaths(join(libvirt.folder, 'death.json'));
    lab = await openEndToEnd({
      hosts: 1,
      env: { ...deaths.env, BYPASS_LIBVIRT_URI: libvirt.uri, BYPASS_VM_ACCELERATOR: 'tcg' },
    });
    machines = await openMachines(lab, libvirt, 'local');
  }, 300_000);
  afterAll(async () => {
    await lab.close();
    await libvirt.close();
  }, 120_000);

  test('a machine is deployed from a template that no pool has: downloaded once, started, with its line on the console', async () => {
    const { image, begin, ended, show, console, domains, expunge, files } = machines;
    const { id: templateid, body } = await image('first');
    const { id, jobid } = await begin(templateid, { name: 'web1' });
    const job = await ended(jobid);
    expect(Object.keys(job.jobresult)).toEqual(['virtualmachine']);
    const running = await show(id);
    expect(running).toMatchObject({ name: 'web1', state: 'Running', hostname: 'host1', templateid });
    expect(running?.nic?.[0]?.macaddress).toMatch(/^02:/);
    await console(id, 'hello from first');
    expect(await domains()).toEqual([id]);
    const [copy] = await lab.deployments({ templateid });
    expect(copy?.state).toBe('Ready');
    expect(sha256(await readFile(copy?.localpath ?? ''))).toBe(sha256(body));
    expect(lab.server.seen('/first').bytes).toBeLessThan(2 * body.length);
    await expunge(id);
    expect(await domains()).toEqual([]);
    expect(await files()).toEqual([copy?.installpath]);
    expect(sha256(await readFile(copy?.localpath ?? ''))).toBe(sha256(body));
  });

  needing('chromium')('on the page', () => {
    let browsing: Browsing;
    beforeAll(async () => {
      browsing = await openBrowser(lab);
    }, 60_000);
    afterAll(() => browsing.closeBrowser());

    testOf(() => browsing)(
      'a machine comes up: how far its image is, what its guest writes, its disk; then it is stopped',
      async ({ page, go, press, heading, row }) => {
        const { id: templateid } = await machines.image('page');
        const body = bootDisk('hello from page');
        const rest = deferred();
        const hold = (sent: number) => (sent > body.length / 4 ? rest.promise : undefined);
        lab.server.serve('/page', { body, pieceBytes: 4096, hold });
        const { id } = await machines.begin(templateid, { name: 'shown' });
        try {
          await go(`/instances/${id}`);
          await heading('shown');
          const main = page.getByRole('main');
          await main.getByText('Downloading its image', { exact: true }).waitFor();
          await main.getByRole('progressbar', { name: 'Start of shown' }).waitFor();
          await main.getByText(/^[\d.]+\sKiB of [\d.]+\sMiB/).waitFor();
          await main.getByText('It waits for').waitFor();
          rest.resolve();
          await main.getByText('Running', { exact: true }).waitFor();
          await page.getByRole('log', { name: 'Console' }).getByText('hello from page').waitFor();
          await row('ROOT-').getByText('Ready', { exact: true }).waitFor();
          await main.getByText(/^02:(?:[0-9a-f]{2}:){4}[0-9a-f]{2}$/).waitFor();
          await press('button', 'Stop');
          const dialog = page.getByRole('dialog');
          await dialog.getByRole('checkbox', { name: 'Switch it off at once' }).check();
          await dialog.getByRole('button', { name: 'Stop' }).click();
          await main.getByText('Stopped', { exact: true }).waitFor();
        } finally {
          rest.resolve();
          await machines.expunge(id);
        }
      },
      120_000,
    );
  });

  test('a machine stops, starts, reboots and is recovered; its disk stays', async () => {
    const { image, deploy, files, act, show, expunge } = machines;
    const id = await deploy((await image('life')).id);
    const disk = (await files()).length;
    await act('stopVirtualMachine', id, { forced: true });
    expect(await show(id)).toMatchObject({ state: 'Stopped' });
    await act('startVirtualMachine', id);
    await act('rebootVirtualMachine', id, { forced: true });
    expect(await show(id)).toMatchObject({ state: 'Running' });
    // The guest has no ACPI: it is stopped by force, before it is destroyed.
    await act('stopVirtualMachine', id, { forced: true });
    await act('destroyVirtualMachine', id);
    expect(await show(id)).toMatchObject({ state: 'Destroyed' });
    expect(await files()).toHaveLength(disk);
    await lab.call('recoverVirtualMachine', { id });
    await act('startVirtualMachine', id);
    expect(await show(id)).toMatchObject({ state: 'Running' });
    await expunge(id);
    expect(await show(id).catch(() => undefined)).toBeUndefined();
  });

  if (isFullRun)
    test('the database follows a domain that is stopped and started by hand', async () => {
      const { image, deploy, becomes, expunge } = machines;
      const id = await deploy((await image('hand')).id);
      await libvirt.virsh.run(['destroy', id]);
      await becomes(id, 'Stopped');
      await libvirt.virsh.run(['start', id]);
      await becomes(id, 'Running');
      await expunge(id);
    });

  if (isFullRun)
    test('a machine is installed from an ISO onto an empty disk; row and domain name the same ISO after each start', async () => {
      const { image, deploy, console, show, act, ended, expunge } = machines;
      const { id: templateid } = await image('install', { format: 'ISO' });
      const id = await deploy(templateid, { rootdisksize: 1, hypervisor: 'KVM' });
      await console(id, 'hello from install');
      const [copy] = await lab.deployments({ templateid });
      const restarted = async (): Promise<string> => {
        await act('stopVirtualMachine', id, { forced: true });
        await act('startVirtualMachine', id);
        return libvirt.virsh.run(['dumpxml', id]);
      };
      expect(await restarted()).toContain(copy?.localpath);
      expect(await show(id)).toMatchObject({ isoid: templateid, state: 'Running' });
      await ended((await lab.call<{ jobid: string }>('detachIso', { virtualmachineid: id })).jobid);
      expect(await restarted()).not.toContain(copy?.localpath);
      expect((await show(id))?.isoid).toBeUndefined();
      await expunge(id);
    });

  test(
    `${MANY} machines of one template at once: one download, and the copy is the same file until the last of them goes`,
    async () => {
      const { image, begin, ended, console, act, expunge, files, domains } = machines;
      const before = await files();
      const { id: templateid, body } = await image('many');
      const begun = await Promise.all(Array.from({ length: MANY }, () => begin(templateid)));
      const ids = begun.map(({ id }) => id);
      for (const { jobid } of begun) await ended(jobid);
      expect(await domains()).toEqual(ids.toSorted());
      for (const id of ids) await console(id, 'hello from many');
      expect(lab.server.seen('/many').bytes).toBeLessThan(2 * body.length);
      const [copy] = await lab.deployments({ templateid });
      const path = copy?.localpath ?? '';
      const identity = await identityOf(path);
      expect(identity.sha256).toBe(sha256(body));
      expect(await files()).toHaveLength(before.length + 1 + MANY);
      await lab.delete('RAW', templateid);
      expect(await domains()).toEqual(ids.toSorted());
      const [last = '', ...others] = ids;
      await Promise.all(others.map(expunge));
      expect(await identityOf(path)).toEqual(identity);
      expect(await domains()).toEqual([last]);
      await act('stopVirtualMachine', last, { forced: true });
      await act('startVirtualMachine', last);
      expect(await identityOf(path)).toEqual(identity);
      await expunge(last);
      await until('the copy is gone', async () => (await files()).length === before.length);
    },
    MANY_MS,
  );

  describe('a process that is killed during a deployment', () => {
    test.each((isFullRun ? MACHINE_DEATHS : TELLING).map((death) => [death.who, death.name, death] as const))(
      '%s when %s: the machine runs once, and no file is left over',
      (_who, _name, death) => deployThroughDeaths({ lab, libvirt, machines, deaths }, death),
      400_000,
    );
  });
});

async function identityOf(path: string): Promise<{ readonly sha256: string }> {
  const { ino, uid, gid, mode, mtimeMs } = await stat(path);
  const facts = { ino, uid, gid, mode, mtimeMs };
  return { ...facts, sha256: sha256(await readFile(path)) };
}
