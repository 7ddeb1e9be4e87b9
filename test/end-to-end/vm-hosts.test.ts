/**
 * In the full form: three hosts with a shared pool, each with a libvirtd of its own. The host of a machine is killed in each
 * phase of its deployment. No second host has the domain before the first has confirmed that it has none, or was removed.
 * (test/workflows/vms shows the same decisions on scripted hosts, in the short form.)
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { DISK, RUNS, SEED, STARTING } from './machine-deaths.ts';
import { openMachines } from './machines.ts';
import type { Machines } from './machines.ts';
import { makeZone, startMortalHost } from './mortal-hosts.ts';
import type { MortalHost } from './mortal-hosts.ts';
import type { Moment } from './planned-deaths.ts';

interface Node {
  readonly host: MortalHost;
  readonly libvirt: LibvirtLab;
}

/** Phases in which the host has the job. */
const PHASES: readonly (readonly [string, Moment])[] = [
  ['disk', { call: 'link', path: DISK, when: 'before' }],
  ['seed', { call: 'rename', path: SEED, when: 'before' }],
  ['start', STARTING],
  ['running', RUNS],
];

(isFullRun ? needingLibvirt() : describe.skip)('three hosts with a shared pool', () => {
  let lab: EndToEnd;
  let machines: Machines;
  let zoneId: string;
  let path: string;
  let nodes: Node[] = [];
  const closed: LibvirtLab[] = [];
  let count = 0;

  const addNode = async (): Promise<void> => {
    count += 1;
    const libvirt = await openLibvirtLab();
    closed.push(libvirt);
    const host = await startMortalHost(lab, {
      name: `node${count}`,
      zoneId,
      kind: 'SharedMountPoint:CLUSTER',
      path,
      env: { BYPASS_LIBVIRT_URI: libvirt.uri, BYPASS_VM_ACCELERATOR: 'tcg' },
    });
    nodes.push({ host, libvirt });
  };
  beforeAll(async () => {
    lab = await openEndToEnd({ hosts: 1 });
    path = join(lab.stack.dataDir, 'three', 'pool');
    await mkdir(path, { recursive: true });
    zoneId = await makeZone(lab, 'three');
    for (let n = 0; n < 3; n += 1) await addNode();
    machines = await openMachines(lab, (nodes[0] as Node).libvirt, 'shared');
  }, 600_000);
  afterAll(async () => {
    for (const { host } of nodes) await host.kill();
    await lab.close();
    for (const libvirt of closed) await libvirt.close();
  }, 120_000);

  /** Names of the hosts on which the guest runs. */
  const runningOn = async (vmId: string): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const { host, libvirt } of nodes)
      if ((await libvirt.virsh.run(['list', '--uuid'])).includes(vmId)) found.push(host.name);
    return found;
  };
  const hostOf = async (id: string): Promise<string> => (await machines.show(id))?.hostname ?? '';
  const nodeOf = (name: string): Node => nodes.find(({ host }) => host.name === name) as Node;
  const others = (dead: Node): readonly Node[] => nodes.filter((node) => node !== dead);
  const listed = async ({ libvirt }: Node): Promise<string> => libvirt.virsh.run(['list', '--all', '--uuid']);

  /** Begins a deployment, and waits until one host died at the moment. */
  const dieAt = async (name: string, moment: Moment) => {
    const { id: templateId } = await machines.image(name, { zoneId });
    for (const { host } of nodes) await host.plan(moment);
    const { id, jobid } = await machines.begin(templateId, { zoneid: zoneId });
    const dead = await until(
      'a host is at its moment',
      () => nodes.find(({ host }) => host.hasCome()),
      90_000,
    );
    for (const { host } of nodes) await host.forget();
    await dead.host.planned();
    return { id, jobid, dead };
  };
  const remove = async ({ host }: Node): Promise<void> => {
    const found = (await lab.hosts()).find(({ name }) => name === host.name);
    await lab.call('deleteHost', { id: found?.id ?? '', forced: true });
  };
  /** The host is gone for good; another one takes its place. */
  const replace = async (dead: Node): Promise<void> => {
    nodes = nodes.filter((node) => node !== dead);
    await addNode();
  };
  const waits = (id: string): Promise<unknown> =>
    until(
      'the machine waits for its host to confirm',
      async () => {
        const row = await lab.db
          .selectFrom('vm_instance')
          .where('uuid', '=', id)
          .select('error_str')
          .executeTakeFirstOrThrow();
        return /has not confirmed that it does not run there/.test(row.error_str ?? '');
      },
      120_000,
    );

  test('killed during the copy: it was not called, and another host starts the machine', async () => {
    const { id, jobid, dead } = await dieAt('copy', { call: 'open', path: '\\.part$', when: 'after' });
    await machines.ended(jobid);
    const [home, ...more] = await runningOn(id);
    expect([more, home === dead.host.name]).toEqual([[], false]);
    await dead.host.start();
    await machines.expunge(id);
  }, 400_000);

  test.each(PHASES)(
    'killed in phase %s, and back: it confirms, and the machine runs once',
    async (phase, moment) => {
      const { id, jobid, dead } = await dieAt(`back-${phase}`, moment);
      await waits(id);
      for (const node of others(dead)) expect(await listed(node)).not.toContain(id);
      await dead.host.start();
      await machines.ended(jobid);
      expect(await runningOn(id)).toEqual([await hostOf(id)]);
      await machines.expunge(id);
      for (const node of nodes) expect(await listed(node)).not.toContain(id);
    },
    400_000,
  );

  test.each(PHASES)(
    'killed in phase %s, and removed: another host starts the machine',
    async (phase, moment) => {
      const { id, jobid, dead } = await dieAt(`removed-${phase}`, moment);
      await waits(id);
      for (const node of others(dead)) expect(await listed(node)).not.toContain(id);
      await dead.libvirt.powerOff();
      await remove(dead);
      await machines.ended(jobid);
      await replace(dead);
      expect(await runningOn(id)).toEqual([await hostOf(id)]);
      await machines.expunge(id);
    },
    400_000,
  );

  test('suspended before it defines the domain, removed, and resumed: it takes all back, and the machine runs once', async () => {
    const suspension = { call: 'spawn', path: '^virsh$', args: ' start ', when: 'before' } as const;
    const { id, jobid, dead } = await dieAt('zombie', { ...suspension, signal: 'SIGSTOP' });
    const seed = join(lab.stack.dataDir, 'mortal', dead.host.name, 'state-vms', 'seeds', `${id}.iso`);
    expect(existsSync(seed)).toBe(true);
    await remove(dead);
    await machines.ended(jobid);
    const home = await hostOf(id);
    expect(await runningOn(id)).toEqual([home]);
    dead.host.resume();
    await until('the removed host has taken all back', () => !existsSync(seed));
    expect(await listed(dead)).not.toContain(id);
    expect(await runningOn(id)).toEqual([home]);
    await dead.host.kill();
    await replace(dead);
    await machines.expunge(id);
  }, 400_000);

  test('removed while its guest runs on: the lock of the disk keeps a second one from starting', async () => {
    const { id: templateId } = await machines.image('running', { zoneId });
    const id = await machines.deploy(templateId, { zoneid: zoneId });
    await machines.console(id, 'hello from running');
    const dead = nodeOf(await hostOf(id));
    await dead.host.kill();
    await expect(lab.call('startVirtualMachine', { id })).rejects.toThrow(/already running/);
    await remove(dead);
    expect(await machines.becomes(id, 'Stopped')).not.toHaveProperty('hostname');
    const { jobid } = await lab.call<{ jobid: string }>('startVirtualMachine', { id });
    const job = await lab.job(jobid);
    expect(job.jobresult.errortext).toMatch(/the disk is locked: another host or process has it open/);
    expect(await runningOn(id)).toEqual([dead.host.name]);
    await dead.libvirt.powerOff();
    await replace(dead);
    await machines.act('startVirtualMachine', id);
    expect(await runningOn(id)).toEqual([await hostOf(id)]);
    await machines.expunge(id);
  }, 400_000);
});
