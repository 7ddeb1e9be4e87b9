import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { StartVmJob, VmProgress } from '../../model/vm-payloads.ts';
import { openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { needingLibvirt, openLibvirtLab, openMachineLab } from '../labs/libvirt.ts';
import type { LibvirtLab, MachineLab } from '../labs/libvirt.ts';
import { bootDisk } from '../support/boot-images.ts';

const environment = (): MockActivityEnvironment =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

const within = <J, R>(activity: (job: J) => Promise<R>, job: J, context = environment()): Promise<R> =>
  context.run<[J], R, (job: J) => Promise<R>>(activity, job);

const jobOf = (poolId: string): StartVmJob => ({
  v: 1,
  vmId: randomUUID(),
  instanceName: 'i-2-1-VM',
  generation: 1,
  zoneId: randomUUID(),
  accountId: randomUUID(),
  poolId,
  disk: { volumeId: randomUUID(), size: 1_048_576, provisioning: 'thin', cache: 'none' },
  bootFromIso: false,
  cpus: 1,
  cpuSpeed: 500,
  limitCpu: false,
  memory: 32,
  nics: [{ nicId: randomUUID(), mac: '02:00:00:00:00:01', network: 'guest' }],
  seed: { instanceId: randomUUID(), hostName: 'web1', publicKeys: ['ssh-ed25519 AAAA somebody'] },
  details: {},
});

describe('a host without libvirt', () => {
  let lab: HostLab;
  beforeAll(async () => {
    lab = await openHostLab();
  });
  afterAll(() => lab.close());

  test('refuses each job of a machine, names the packages that it lacks, and signs that', async () => {
    const { quick } = lab.activities;
    const vmId = randomUUID();
    const stop = { v: 1, vmId, forced: true, patienceMs: 0 } as const;
    const jobs = [
      () => within(quick.startVm, jobOf(randomUUID())),
      () => within(quick.stopVm, stop),
      () => within(quick.rebootVm, stop),
      () => within(quick.releaseVm, { v: 1, vmId, generation: 1, remove: [], forget: true }),
      () => within(quick.changeIso, { v: 1, vmId, poolId: randomUUID(), forced: false }),
      () => within(quick.consoleLog, { v: 1, vmId, bytes: 100 }),
    ];
    for (const job of jobs) {
      await expect(job()).rejects.toMatchObject({
        type: 'HypervisorMissing',
        message: expect.stringContaining('libvirt-daemon-system') as string,
        details: [expect.objectContaining({ class: 'host' }), expect.objectContaining({ v: 1 })],
      });
    }
  });

  test('has no domains to list, and says why', async () => {
    expect(await within(lab.activities.quick.listDomains, { v: 1 })).toMatchObject({
      hostId: lab.hostId,
      domains: [],
      problem: expect.stringContaining('no libvirt') as string,
    });
  });

  test('refuses a job whose names are none, before anything else', async () => {
    const job = jobOf(randomUUID());
    const hostile: readonly object[] = [
      { instanceName: '--help' },
      { vmId: '../../etc/passwd' },
      { nics: [{ ...job.nics[0], mac: '02:00:00:00:00:01"/>' }] },
      { nics: [{ ...job.nics[0], network: '-x' }] },
      { disk: { ...job.disk, volumeId: '/dev/sda' } },
      { seed: { ...job.seed, hostName: 'web1\n- evil: true' } },
    ];
    for (const changes of hostile) {
      await expect(within(lab.activities.quick.startVm, { ...job, ...changes })).rejects.toMatchObject({
        type: 'Unsupported',
      });
    }
  });
});

needingLibvirt()('a host with libvirt', () => {
  let libvirt: LibvirtLab;
  let machines: MachineLab;
  let lab: HostLab;
  beforeAll(async () => {
    libvirt = await openLibvirtLab();
    machines = await openMachineLab(libvirt);
    lab = await openHostLab({ hypervisor: machines.hypervisor, pools: machines.pools });
  });
  afterAll(async () => {
    await lab.close();
    await machines.close();
    await libvirt.close();
  });

  test('starts a machine with its secrets, tells its phases, answers with its pool, and reads its console', async () => {
    const image = await machines.publish(bootDisk('through the activity'), 'RAW');
    const userData = Buffer.from('#cloud-config\nruncmd: ["$(touch /tmp/x)"]\n');
    const given = jobOf(machines.pool.id);
    const { vmId, disk } = given;
    const sealed = await lab.sealVm(vmId, {
      userData: userData.toString('base64url'),
      vncPassword: 'hunter22',
    });
    const job: StartVmJob = { ...given, disk: { ...disk, image }, sealed };
    const phases: string[] = [];
    const context = environment();
    context.on('heartbeat', ({ phase }: VmProgress) => phases.push(phase));
    const { quick } = lab.activities;
    const started = await within(quick.startVm, job, context);
    expect(started).toMatchObject({ vmId, state: 'running', ran: false, pool: { id: machines.pool.id } });
    expect([...new Set(phases)]).toEqual(['disk', 'seed', 'define', 'start', 'boot']);
    await machines.console(vmId, 'through the activity');
    const log = await within(quick.consoleLog, { v: 1, vmId, bytes: 8 });
    expect(Buffer.from(log.output, 'base64').toString()).toBe('tivity\r\n');
    expect(log.size).toBeGreaterThanOrEqual('through the activity\r\n'.length);

    const seed = join(machines.state, 'seeds', `${vmId}.iso`);
    expect((await stat(seed)).mode & 0o077).toBe(0);
    const files = execFileSync('xorriso', ['-indev', seed, '-find', '/', '-type', 'f'], { stdio: 'pipe' });
    expect(
      String(files)
        .split('\n')
        .filter((line) => line !== ''),
    ).toEqual(["'/meta-data'", "'/user-data'"]);
    expect((await readSeed(seed, 'user-data')).equals(userData)).toBe(true);
    expect(JSON.parse(String(await readSeed(seed, 'meta-data')))).toEqual({
      'instance-id': job.seed.instanceId,
      'local-hostname': 'web1',
      'public-keys': ['ssh-ed25519 AAAA somebody'],
    });

    const remove = [{ poolId: machines.pool.id, volumeId: disk.volumeId }];
    expect(await within(quick.releaseVm, { v: 1, vmId, generation: 1, remove, forget: true })).toMatchObject({
      had: true,
    });
    expect(await readdir(join(machines.state, 'seeds'))).toEqual([]);
  });

  test('refuses secrets of another machine, and makes nothing', async () => {
    const job = jobOf(machines.pool.id);
    const sealed = await lab.sealVm(randomUUID(), { vncPassword: 'hunter22' });
    await expect(within(lab.activities.quick.startVm, { ...job, sealed })).rejects.toMatchObject({
      type: 'SealBroken',
    });
    expect(await within(lab.activities.quick.listDomains, { v: 1 })).toMatchObject({ domains: [] });
  });

  const readSeed = async (seed: string, name: string): Promise<Buffer> => {
    const to = join(machines.state, `read-${name}`);
    execFileSync('xorriso', ['-osirrox', 'on', '-indev', seed, '-extract', `/${name}`, to], {
      stdio: 'pipe',
    });
    return execFileSync('cat', [to]);
  };
});
