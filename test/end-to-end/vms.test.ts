/** Virtual machines of a whole installation, on a real libvirtd and QEMU. Guests are boot sectors that write one line. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConsoleLog, VirtualMachine } from '../../model/api-answers.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd, Job } from '../labs/end-to-end.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { bootDisk, bootIso } from '../support/boot-images.ts';
import { sha256 } from '../support/images.ts';
import { casesOfForm } from '../support/programs.ts';
import { until } from '../support/until.ts';

type Parameters = Readonly<Record<string, string | number | boolean>>;

needingLibvirt()('virtual machines', () => {
  let libvirt: LibvirtLab;
  let lab: EndToEnd;
  let offering: string;
  beforeAll(async () => {
    libvirt = await openLibvirtLab();
    lab = await openEndToEnd({
      hosts: 1,
      env: { BYPASS_LIBVIRT_URI: libvirt.uri, BYPASS_VM_ACCELERATOR: 'tcg' },
    });
    const { serviceoffering } = await lab.call<{ serviceoffering: { id: string } }>('createServiceOffering', {
      name: 'tiny',
      displaytext: 'tiny',
      cpunumber: 1,
      cpuspeed: 100,
      memory: 64,
      storagetype: 'local',
    });
    offering = serviceoffering.id;
  }, 300_000);
  afterAll(async () => {
    await lab.close();
    await libvirt.close();
  }, 120_000);

  /** Registers an image that boots, under a path of its own. */
  const image = async (
    name: string,
    format: 'RAW' | 'ISO' = 'RAW',
  ): Promise<{ id: string; body: Buffer }> => {
    const body = format === 'RAW' ? bootDisk(`hello from ${name}`) : bootIso(`hello from ${name}`);
    lab.server.serve(`/${name}`, { body });
    const { id } = await lab.register({ url: lab.server.url(`/${name}`), format });
    return { id, body };
  };
  const begin = (templateid: string, more: Parameters = {}): Promise<{ id: string; jobid: string }> =>
    lab.call('deployVirtualMachine', {
      templateid,
      zoneid: lab.zoneId,
      serviceofferingid: offering,
      ...more,
    });
  const machine = async (id: string): Promise<VirtualMachine | undefined> =>
    (await lab.call<{ virtualmachine?: VirtualMachine[] }>('listVirtualMachines', { id, listall: true }))
      .virtualmachine?.[0];
  const ended = async (jobid: string): Promise<Job> => {
    const job = await lab.job(jobid);
    expect(job.jobresult).not.toHaveProperty('errortext');
    expect(job.jobstatus).toBe(1);
    return job;
  };
  const deploy = async (templateid: string, more: Parameters = {}): Promise<string> => {
    const { id, jobid } = await begin(templateid, more);
    await ended(jobid);
    return id;
  };
  const act = async (command: string, id: string, more: Parameters = {}): Promise<Job> =>
    ended((await lab.call<{ jobid: string }>(command, { id, ...more })).jobid);
  const expunge = (id: string): Promise<Job> => act('destroyVirtualMachine', id, { expunge: true });
  const console = (id: string, wanted: string): Promise<string> =>
    until(`the console of ${id} says ${wanted}`, async () => {
      const { consolelog } = await lab.call<{ consolelog: ConsoleLog }>('getVirtualMachineConsoleLog', {
        virtualmachineid: id,
      });
      return consolelog.output.includes(wanted) ? consolelog.output : undefined;
    });
  const domains = async (): Promise<readonly string[]> =>
    (await libvirt.virsh.run(['list', '--all', '--uuid']))
      .split('\n')
      .filter((line) => line !== '')
      .toSorted();
  /** Names in the pool: copies and disks, and what no file may be called. */
  const files = async (): Promise<readonly string[]> =>
    (await readdir(lab.pool.path)).filter((name) => !name.startsWith('.bypass-p')).toSorted();
  const stateOf = (id: string, wanted: string): Promise<VirtualMachine> =>
    until(`${id} is ${wanted}`, async () => {
      const one = await machine(id);
      return one?.state === wanted ? one : undefined;
    });

  test('a machine is deployed from a template that no pool has: downloaded once, started, with its line on the console', async () => {
    const { id: templateid, body } = await image('first');
    const { id, jobid } = await begin(templateid, { name: 'web1' });
    const job = await ended(jobid);
    expect(Object.keys(job.jobresult)).toEqual(['virtualmachine']);
    const running = await machine(id);
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

  test('a machine stops, starts, reboots and is recovered; its disk stays', async () => {
    const id = await deploy((await image('life')).id);
    const disk = (await files()).length;
    await act('stopVirtualMachine', id, { forced: true });
    expect(await machine(id)).toMatchObject({ state: 'Stopped' });
    await act('startVirtualMachine', id);
    await act('rebootVirtualMachine', id, { forced: true });
    expect(await machine(id)).toMatchObject({ state: 'Running' });
    // The guest has no ACPI: it is stopped by force, before it is destroyed.
    await act('stopVirtualMachine', id, { forced: true });
    await act('destroyVirtualMachine', id);
    expect(await machine(id)).toMatchObject({ state: 'Destroyed' });
    expect(await files()).toHaveLength(disk);
    await lab.call('recoverVirtualMachine', { id });
    await act('startVirtualMachine', id);
    expect(await machine(id)).toMatchObject({ state: 'Running' });
    await expunge(id);
    expect(await machine(id).catch(() => undefined)).toBeUndefined();
  });

  test('the database follows a domain that is stopped and started by hand', async () => {
    const id = await deploy((await image('hand')).id);
    await libvirt.virsh.run(['destroy', id]);
    await stateOf(id, 'Stopped');
    await libvirt.virsh.run(['start', id]);
    await stateOf(id, 'Running');
    await expunge(id);
  });

  test('a machine is installed from an ISO onto an empty disk, and boots from it', async () => {
    const { id: templateid } = await image('install', 'ISO');
    const id = await deploy(templateid, { rootdisksize: 1, hypervisor: 'KVM' });
    await console(id, 'hello from install');
    expect(await machine(id)).toMatchObject({ isoid: templateid, state: 'Running' });
    await ended((await lab.call<{ jobid: string }>('detachIso', { virtualmachineid: id })).jobid);
    expect((await machine(id))?.isoid).toBeUndefined();
    await expunge(id);
  });

  test('a deleted template keeps the copy that a machine stands on, and the last machine takes it along', async () => {
    const { id: templateid, body } = await image('doomed');
    const [one, other] = [await deploy(templateid), await deploy(templateid)];
    const [copy] = await lab.deployments({ templateid });
    await lab.delete('RAW', templateid);
    expect(await files()).toContain(copy?.installpath);
    await expunge(one);
    await act('stopVirtualMachine', other, { forced: true });
    await act('startVirtualMachine', other);
    expect(sha256(await readFile(join(lab.pool.path, copy?.installpath ?? '')))).toBe(sha256(body));
    await expunge(other);
    await until('the copy is gone', async () => !(await files()).includes(copy?.installpath ?? ''));
  });

  describe('a process killed during a deployment', () => {
    const kill: Readonly<Record<string, () => Promise<void> | void>> = {
      'the host worker': () => lab.killHost('host1'),
      'the control worker': () => void process.kill(lab.pids().control, 'SIGKILL'),
      'the api': () => void process.kill(lab.pids().api, 'SIGKILL'),
      async libvirtd() {
        await libvirt.killLibvirtd();
        await libvirt.startLibvirtd();
      },
    };
    test.each(casesOfForm(Object.keys(kill)))(
      '%s: the machine runs once, and no file is left over',
      async (who) => {
        const name = who.replace(/\W/g, '-');
        const { id: templateid } = await image(name);
        const before = await files();
        const { id, jobid } = await begin(templateid);
        await until('the host has the job', async () => {
          const row = await lab.db
            .selectFrom('vm_instance')
            .where('uuid', '=', id)
            .select(['phase', 'host_id'])
            .executeTakeFirst();
          return row?.host_id != null;
        });
        await kill[who]?.();
        await ended(jobid);
        expect(await domains()).toEqual([id]);
        await console(id, `hello from ${name}`);
        await expunge(id);
        expect(await domains()).toEqual([]);
        const [copy] = await lab.deployments({ templateid });
        expect(await files()).toEqual([...before, copy?.installpath ?? ''].toSorted());
      },
      240_000,
    );
  });
});
