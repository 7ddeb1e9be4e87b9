import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesInUse } from '../../hypervisor/files-in-use.ts';
import type { Machine } from '../../hypervisor/hypervisor.ts';
import type { ImageError } from '../../model/failures.ts';
import type { ReleaseVmJob } from '../../model/vm-payloads.ts';
import { needingLibvirt, openLibvirtLab, openMachineLab, VIRTLOGD_MAX_SIZE } from '../labs/libvirt.ts';
import type { LibvirtLab, MachineLab } from '../labs/libvirt.ts';
import { bootDisk, bootIso } from '../support/boot-images.ts';
import { publishedIn, partsIn } from '../support/pool-folder.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { run } from '../support/qemu.ts';
import { until } from '../support/until.ts';

const failing = (kind: string, sentence: RegExp = /./): unknown =>
  expect.objectContaining({ kind, message: expect.stringMatching(sentence) as string }) as ImageError;

const never = new AbortController().signal;

const releaseOf = (machine: Machine, changes: Partial<ReleaseVmJob> = {}): ReleaseVmJob => ({
  v: 1,
  vmId: machine.vmId,
  generation: machine.generation,
  remove: [{ poolId: machine.poolId, volumeId: machine.disk.volumeId }],
  forget: true,
  ...changes,
});

const kept = { remove: [], forget: false } as const;

async function identityOf(path: string): Promise<object> {
  const { ino, uid, gid, mode, mtimeMs } = await stat(path);
  return {
    ino,
    uid,
    gid,
    mode,
    mtimeMs,
    hash: createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  };
}

needingLibvirt()('a machine on a real libvirt', () => {
  let libvirt: LibvirtLab;
  let lab: MachineLab;
  beforeAll(async () => {
    libvirt = await openLibvirtLab();
    lab = await openMachineLab(libvirt);
  });
  afterAll(async () => {
    await lab.close();
    await libvirt.close();
  });

  const stopped = { forced: true, patienceMs: 0 } as const;
  const pathOf = (name: string): string => join(lab.root, name);
  const domainXmlOf = (vmId: string): Promise<string> => libvirt.virsh.run(['dumpxml', vmId]);
  const isDefined = async (vmId: string): Promise<boolean> =>
    (await libvirt.virsh.run(['list', '--all', '--uuid'])).includes(vmId);

  test('starts from an image, stops, starts again and goes, and the image is the same file as before', async () => {
    const image = await lab.publish(bootDisk('hello from the disk'), 'RAW');
    const before = await identityOf(pathOf(image.copyId));
    const machine = lab.machine(image);
    const phases: string[] = [];
    const started = await lab.hypervisor.start(machine, {
      signal: never,
      onPhase: (phase) => phases.push(phase),
    });
    expect(started).toMatchObject({ state: 'running', ran: false, size: 64 * 1024 * 1024 });
    expect(phases).toEqual(['disk', 'seed', 'define', 'start', 'boot']);
    await lab.console(machine.vmId, 'hello from the disk');
    expect(await lab.hypervisor.domains()).toEqual([{ vmId: machine.vmId, state: 'running' }]);
    expect(await lab.start(machine)).toMatchObject({ state: 'running', ran: true });

    const info = JSON.parse(
      run('qemu-img', 'info', '-U', '--output=json', pathOf(machine.disk.volumeId)),
    ) as Record<string, unknown>;
    expect(info).toMatchObject({ 'backing-filename': image.copyId, 'backing-filename-format': 'raw' });

    expect(await lab.hypervisor.stop({ vmId: machine.vmId, ...stopped }, never)).toBe('shutoff');
    expect(await lab.hypervisor.domains()).toEqual([{ vmId: machine.vmId, state: 'shutoff' }]);
    const again = { ...machine, generation: 2, disk: { ...machine.disk, made: true } };
    expect(await lab.start(again)).toMatchObject({ state: 'running', ran: false });

    expect(await lab.hypervisor.release(releaseOf(again))).toEqual({ had: true, files: 4 });
    expect(await lab.hypervisor.release(releaseOf(again))).toEqual({ had: false, files: 0 });
    expect(await lab.hypervisor.domains()).toEqual([]);
    expect(await publishedIn(lab.root)).toEqual([image.copyId]);
    expect(await identityOf(pathOf(image.copyId))).toEqual(before);
  });

  test('boots from an ISO, which can be changed while it runs; the file stays as it is', async () => {
    const iso = await lab.publish(bootIso('hello from the disc'), 'ISO');
    const other = await lab.publish(bootIso('another disc'), 'ISO');
    const before = await identityOf(pathOf(iso.copyId));
    const machine = lab.machine(undefined, { iso, bootFromIso: true });
    await lab.start(machine);
    await lab.console(machine.vmId, 'hello from the disc');

    const change = { vmId: machine.vmId, poolId: machine.poolId, forced: false };
    expect(await lab.hypervisor.changeIso({ ...change, iso: other })).toBe('running');
    expect(await domainXmlOf(machine.vmId)).toContain(pathOf(other.copyId));
    expect(await lab.hypervisor.changeIso(change)).toBe('running');
    const xml = await domainXmlOf(machine.vmId);
    expect(xml).not.toContain(pathOf(other.copyId));
    expect(xml).not.toContain(pathOf(iso.copyId));
    await lab.hypervisor.stop({ vmId: machine.vmId, ...stopped }, never);
    expect(await lab.hypervisor.changeIso({ ...change, iso })).toBe('shutoff');
    expect(await domainXmlOf(machine.vmId)).toContain(pathOf(iso.copyId));

    await lab.hypervisor.release(releaseOf(machine));
    expect(await lab.hypervisor.changeIso(change)).toBe('absent');
    expect(await identityOf(pathOf(iso.copyId))).toEqual(before);
  });

  if (isFullRun)
    test('a guest that ignores the power button is stopped, and restarted, when patience ends', async () => {
      const image = await lab.publish(bootDisk('deaf'), 'RAW');
      const machine = lab.machine(image);
      await lab.start(machine);
      await lab.console(machine.vmId, 'deaf');
      const { size } = await lab.hypervisor.consoleLog(machine.vmId, 0);
      const patient = { vmId: machine.vmId, forced: false, patienceMs: 300 };
      expect(await lab.hypervisor.reboot(patient, never)).toBe('running');
      await until('the guest has booted again', async () => {
        const log = await lab.hypervisor.consoleLog(machine.vmId, 65_536);
        return log.size > size && log.output.toString('latin1').split('deaf').length === 3;
      });
      expect(await lab.hypervisor.stop(patient, never)).toBe('shutoff');
      expect(await lab.hypervisor.reboot(patient, never)).toBe('shutoff');
      await lab.hypervisor.release(releaseOf(machine));
      expect(await lab.hypervisor.stop(patient, never)).toBe('absent');
    });

  test('goes on while libvirtd is killed; a new host worker finds it, and its console', async () => {
    const image = await lab.publish(bootDisk('still here'), 'RAW');
    const machine = lab.machine(image);
    await lab.start(machine);
    await lab.console(machine.vmId, 'still here');
    await libvirt.killLibvirtd();
    await expect(lab.start(machine)).rejects.toEqual(failing('HypervisorSilent'));
    await expect(lab.hypervisor.release(releaseOf(machine, kept))).rejects.toEqual(
      failing('HypervisorSilent'),
    );
    await libvirt.startLibvirtd();
    const restarted = lab.restarted();
    expect(await restarted.domains()).toEqual([{ vmId: machine.vmId, state: 'running' }]);
    expect((await restarted.consoleLog(machine.vmId, 12)).output.toString()).toBe('still here\r\n');
    // The release has raised the fence before libvirt failed to answer.
    await expect(lab.start(machine)).rejects.toEqual(failing('MachineReleased'));
    expect(await restarted.release(releaseOf(machine))).toMatchObject({ had: true });
  });

  test('a second host that opens the disk is refused by the lock, and leaves the disk alone', async () => {
    const image = await lab.publish(bootDisk('one of two'), 'RAW');
    const machine = lab.machine(image);
    await lab.start(machine);
    // The same disk under another domain, as on a host that does not know of the first one.
    const twin = { ...machine, vmId: randomUUID(), instanceName: 'twin' };
    await expect(lab.start(twin)).rejects.toEqual(failing('DiskLocked', /another host or process/));
    expect(await isDefined(twin.vmId)).toBe(false);
    expect(await lab.hypervisor.domains()).toEqual([{ vmId: machine.vmId, state: 'running' }]);
    expect(await publishedIn(lab.root)).toContain(machine.disk.volumeId);
    await lab.hypervisor.release(releaseOf(machine));
  });

  test('a start that fails leaves neither domain nor disk nor seed', async () => {
    const image = await lab.publish(bootDisk('unheard'), 'RAW');
    const before = [await publishedIn(lab.root), await readdir(join(lab.state, 'seeds'))];
    const nic = { nicId: randomUUID(), mac: '02:00:00:00:ff:01' };
    const broken: readonly (readonly [Partial<Machine>, unknown])[] = [
      [{ memory: 64 * 1024 * 1024 }, failing('OutOfMemory')],
      [{ nics: [{ ...nic, network: 'lan' }] }, failing('NetworkMissing', /does not offer the network lan/)],
      [{ nics: [{ ...nic, network: 'guest', vlan: 4 }] }, failing('NetworkMissing', /knows no VLAN/)],
      [{ iso: { copyId: randomUUID(), format: 'ISO' } }, failing('CopyMissing')],
      [{ limitCpu: true, cpuSpeed: 1 }, failing('DomainFailed', /cgroup cpu is required/)],
    ];
    for (const [changes, failure] of casesOfForm(broken, 2)) {
      const machine = lab.machine(image, changes);
      await expect(lab.start(machine)).rejects.toEqual(failure);
      expect(await isDefined(machine.vmId)).toBe(false);
    }
    const lost = lab.machine({ copyId: randomUUID(), format: 'RAW' });
    await expect(lab.start(lost)).rejects.toEqual(failing('CopyMissing'));
    const gone = lab.machine(image);
    await expect(lab.start({ ...gone, disk: { ...gone.disk, made: true } })).rejects.toEqual(
      failing('DiskMissing'),
    );
    expect([await publishedIn(lab.root), await readdir(join(lab.state, 'seeds'))]).toEqual(before);
    expect(await partsIn(lab.root)).toEqual([]);
    expect(await readdir(join(lab.state, 'drafts'))).toEqual([]);
  });

  if (isFullRun)
    test('a bridge that the host does not have is no network, and is named', async () => {
      const bridged = await openMachineLab(libvirt, {
        networks: [{ name: 'lan', kind: 'bridge', target: 'no-such-bridge' }],
      });
      const image = await bridged.publish(bootDisk('unheard'), 'RAW');
      const nics = [{ nicId: randomUUID(), mac: '02:00:00:00:ff:02', network: 'lan' }];
      await expect(bridged.start(bridged.machine(image, { nics }))).rejects.toEqual(
        failing('NetworkMissing', /bridge no-such-bridge .* does not exist/),
      );
      await bridged.close();
    });

  test('a release ends a start under way, and refuses those that are as old', async () => {
    const image = await lab.publish(bootDisk('too late'), 'RAW');
    const machine = lab.machine(image);
    let releasing: Promise<unknown> | undefined;
    const starting = lab.hypervisor.start(machine, {
      signal: never,
      onPhase(phase) {
        if (phase === 'seed') releasing = lab.hypervisor.release(releaseOf(machine));
      },
    });
    await expect(starting).rejects.toEqual(failing('MachineReleased'));
    await releasing;
    expect(await isDefined(machine.vmId)).toBe(false);
    expect(await publishedIn(lab.root)).not.toContain(machine.disk.volumeId);
    await expect(lab.start(machine)).rejects.toEqual(failing('MachineReleased'));
    // Also by a host worker that was started since.
    const call = { signal: never, onPhase: () => undefined };
    await expect(lab.restarted().start(machine, call)).rejects.toEqual(failing('MachineReleased'));
    const next = { ...machine, generation: machine.generation + 1 };
    expect(await lab.start(next)).toMatchObject({ state: 'running' });
    // As a host worker leaves it that is killed during a release.
    const fences = join(lab.state, 'fences');
    await writeFile(join(fences, `${machine.vmId}.json.draft.new`), '');
    await lab.hypervisor.release(releaseOf(next));
    const left = (await readdir(fences)).filter((name) => name.startsWith(machine.vmId));
    expect(left).toEqual([`${machine.vmId}.json`]);
  });

  if (isFullRun) {
    test('a cancelled start takes back what it has made, and ends with the reason', async () => {
      const image = await lab.publish(bootDisk('cancelled'), 'RAW');
      const machine = lab.machine(image);
      const cancelled = new AbortController();
      const reason = new Error('cancelled by a test');
      const onPhase = (phase: string): void => {
        if (phase === 'start') cancelled.abort(reason);
      };
      await expect(lab.hypervisor.start(machine, { signal: cancelled.signal, onPhase })).rejects.toBe(reason);
      expect(await isDefined(machine.vmId)).toBe(false);
      expect(await publishedIn(lab.root)).not.toContain(machine.disk.volumeId);
    });

    test('a pool that is mounted elsewhere has disks that find their images', async () => {
      const image = await lab.publish(bootDisk('moved'), 'RAW');
      const machine = lab.machine(image);
      await lab.start(machine);
      await lab.hypervisor.release(releaseOf(machine, kept));
      const moved = `${lab.root}-moved`;
      await rename(lab.root, moved);
      const elsewhere = await openMachineLab(libvirt, { root: moved });
      const again = { ...machine, generation: 2, disk: { ...machine.disk, made: true } };
      await elsewhere.start(again);
      await elsewhere.console(machine.vmId, 'moved');
      await elsewhere.hypervisor.release(releaseOf(again));
      await elsewhere.close();
      await rename(moved, lab.root);
    });

    test('a guest that writes without end fills no more than its log may take, and its end is read', async () => {
      const image = await lab.publish(bootDisk('chatter', { chatty: true }), 'RAW');
      const machine = lab.machine(image);
      await lab.start(machine);
      const folder = join(lab.state, 'consoles');
      const parts = async (): Promise<readonly number[]> => {
        const names = (await readdir(folder)).filter((name) => name.startsWith(`${machine.vmId}.log`));
        return Promise.all(
          names.map((name) =>
            stat(join(folder, name)).then(
              ({ size }) => size,
              () => 0,
            ),
          ),
        );
      };
      let last = 0;
      await until('the log was turned over, more often than it has parts', async () => {
        const { size } = await lab.hypervisor.consoleLog(machine.vmId, 0);
        expect(size).toBeGreaterThanOrEqual(last);
        last = size;
        return size > 5 * VIRTLOGD_MAX_SIZE;
      });
      const sizes = await parts();
      expect(sizes.length).toBeLessThanOrEqual(3);
      for (const size of sizes) expect(size).toBeLessThanOrEqual(VIRTLOGD_MAX_SIZE);
      const { output } = await lab.hypervisor.consoleLog(machine.vmId, 65_536);
      expect(output).toHaveLength(65_536);
      expect(output.toString('latin1').replaceAll('chatter\r\n', '').length).toBeLessThan(20);
      await lab.hypervisor.release(releaseOf(machine));
      expect(await parts()).toEqual([]);
    });
  }

  (existsSync('/usr/share/qemu/firmware') ? describe : describe.skip)('with the firmware of ovmf', () => {
    test('UEFI keeps its variables beside the disk, for another host of the pool', async () => {
      for (const uefi of casesOfForm(['SECURE', 'LEGACY'] as const)) {
        const image = await lab.publish(bootDisk('not for UEFI'), 'RAW');
        const machine = lab.machine(image, { uefi, memory: 128 });
        const variables = pathOf(`${machine.disk.volumeId}.nvram`);
        expect(await lab.start(machine)).toMatchObject({ state: 'running' });
        expect(await domainXmlOf(machine.vmId)).toContain(uefi === 'SECURE' ? "secure='yes'" : variables);
        await lab.hypervisor.release(releaseOf(machine, kept));
        expect(await isDefined(machine.vmId)).toBe(false);
        expect((await stat(variables)).size).toBeGreaterThan(0);
        expect(await lab.hypervisor.release(releaseOf(machine))).toMatchObject({ had: false });
        expect(await publishedIn(lab.root)).not.toContain(`${machine.disk.volumeId}.nvram`);
      }
    });
  });

  test('of several commands in one program, the first that fails is the failure, and words are words', async () => {
    const { virsh } = libvirt;
    const [uri = '', version = ''] = await virsh.runAll([['uri'], ['version', '--daemon']]);
    expect(uri.trim()).toMatch(/^qemu/);
    expect(version).toContain('Running against daemon');
    const begin = [['define', '/dev/stdin'], ['start', 'none-such'], ['uri']];
    await expect(virsh.runAll(begin, { xml: '<domain/>' })).rejects.toEqual(
      failing('DomainFailed', /define/),
    );
    await expect(virsh.runAll([['domstate', 'none-such'], ['uri']])).rejects.toEqual(failing('DomainAbsent'));
    await expect(virsh.runAll([['domstate', 'x; version']])).rejects.toThrow(TypeError);
    const [absent, answer] = await virsh.runEach([['domstate', 'none-such'], ['uri']]);
    expect(absent).toEqual(failing('DomainAbsent'));
    expect(answer).toContain(uri.trim());
  });

  if (isFullRun)
    test('the paths of all domains are known, with the images that they stand on, and the ISO that is attached', async () => {
      const [image, iso] = [
        await lab.publish(bootDisk('used'), 'RAW'),
        await lab.publish(bootIso('used'), 'ISO'),
      ];
      const machine = lab.machine(image, { iso });
      await lab.start(machine);
      const paths = await lab.hypervisor.pathsOfDomains();
      expect(paths).toEqual(
        expect.arrayContaining([image.copyId, iso.copyId, machine.disk.volumeId].map((name) => pathOf(name))),
      );
      const used = (await filesInUse(lab.pool, paths)).map(({ name }) => name);
      expect(used).toEqual(expect.arrayContaining([image.copyId, iso.copyId, machine.disk.volumeId]));
      // A domain that does not run uses its files as well.
      await lab.hypervisor.stop({ vmId: machine.vmId, ...stopped }, never);
      expect(await lab.hypervisor.pathsOfDomains()).toEqual(expect.arrayContaining([pathOf(image.copyId)]));
      await lab.hypervisor.release(releaseOf(machine));
      expect(await lab.hypervisor.pathsOfDomains()).not.toContain(pathOf(machine.disk.volumeId));
    });

  test('a domain that Bypass did not define is neither listed nor touched', async () => {
    const vmId = randomUUID();
    const xml = `<domain type='qemu'><name>foreign</name><uuid>${vmId}</uuid><memory>32768</memory><os><type>hvm</type></os></domain>`;
    await libvirt.virsh.run(['define', '/dev/stdin'], { xml });
    expect(await lab.hypervisor.domains()).toEqual([]);
    expect(await lab.hypervisor.stop({ vmId, ...stopped }, never)).toBe('absent');
    await expect(lab.hypervisor.release({ vmId, generation: 1, remove: [], forget: true })).rejects.toEqual(
      failing('DomainFailed', /Bypass did not define/),
    );
    expect(await isDefined(vmId)).toBe(true);
    await libvirt.virsh.run(['undefine', vmId]);
  });

  test('a disk that another program replaced is not opened', async () => {
    const image = await lab.publish(bootDisk('replaced'), 'RAW');
    const machine = lab.machine(image);
    const path = pathOf(machine.disk.volumeId);
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', '/etc/shadow', '-F', 'raw', path, '64M');
    await expect(lab.start(machine)).rejects.toEqual(failing('DiskBroken', /stands on \/etc\/shadow/));
    await writeFile(path, 'no disk at all');
    await expect(lab.start(machine)).rejects.toEqual(failing('DiskBroken', /not the disk of a machine/));
    await lab.hypervisor.release(releaseOf(machine));
  });
});
