/** What may happen to a machine on a real libvirt beside what Bypass does: full pools, locks, what administrators do by hand. */
import { randomUUID } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskError, deservesAnotherStart, libvirtError } from '../../hypervisor/errors.ts';
import type { Machine } from '../../hypervisor/hypervisor.ts';
import { createVirsh } from '../../hypervisor/virsh.ts';
import type { Virsh } from '../../hypervisor/virsh.ts';
import type { DomainReport } from '../../model/vms.ts';
import { needingLibvirt, openLibvirtLab, openMachineLab } from '../labs/libvirt.ts';
import type { LibvirtLab, MachineLab } from '../labs/libvirt.ts';
import { bootDisk, writingDisk } from '../support/boot-images.ts';
import { publishedIn } from '../support/pool-folder.ts';
import { isFullRun } from '../support/programs.ts';
import { run } from '../support/qemu.ts';
import { until } from '../support/until.ts';

const MIB = 1_048_576;

const next = (machine: Machine, size = machine.disk.size): Machine => ({
  ...machine,
  generation: machine.generation + 1,
  disk: { ...machine.disk, size, made: true },
});

test('virsh that a signal ends has not told what became of the command', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-virsh-'));
  const program = join(folder, 'virsh');
  await writeFile(program, '#!/bin/sh\nkill -PIPE $$\n', { mode: 0o755 });
  await expect(createVirsh({ uri: 'qemu:///system', program }).run(['define'])).rejects.toMatchObject({
    kind: 'HypervisorSilent',
    message: expect.stringContaining('SIGPIPE') as string,
  });
  await rm(folder, { recursive: true });
});

test.each([
  [
    'Failed to lock byte 100: No locks available',
    'DiskBroken',
    /^the pool's file system locks no files: on NFS/,
  ],
  [
    'Failed to get "write" lock\nIs another process using the image [/p/1]?',
    'DiskLocked',
    /is locked: another/,
  ],
])('QEMU that says %j of its disk, by libvirt or by qemu-img', (said, kind, sentence) => {
  const started = `error: Failed to start domain 'i-2-1-x'\nerror: internal error: process exited while connecting to monitor: qemu-system-x86_64: -blockdev {}: ${said}`;
  for (const error of [libvirtError(started), diskError(`qemu-img: Could not open '/p/1': ${said}`)]) {
    expect(error).toMatchObject({ kind, message: expect.stringMatching(sentence) as string });
  }
});

test.each([
  ['qemu unexpectedly closed the monitor', true],
  ["QEMU unexpectedly closed the monitor (vm='i-2-5-x')", true],
  ['process exited while connecting to monitor', true],
  ["process exited while connecting to monitor: cannot set up guest memory 'pc.ram'", false],
  ["QEMU unexpectedly closed the monitor (vm='i-2-5-x'): no such device", false],
  [
    'process exited while connecting to monitor: qemu-system-x86_64: -vnc 127.0.0.1:5900: Failed to find an available port: Address already in use',
    true,
  ],
])('libvirt that says %j of a start: another one is tried: %p', (said, another) => {
  const text = `error: Failed to start domain 'i-2-5-x'\nerror: internal error: ${said}\n`;
  expect(deservesAnotherStart(libvirtError(text))).toBe(another);
});

needingLibvirt()('a machine on a real libvirt', () => {
  let libvirt: LibvirtLab;
  let lab: MachineLab;
  let small: string;
  beforeAll(async () => {
    // Before libvirtd has a mount namespace of its own, which does not see later mounts.
    small = await mkdtemp(join(tmpdir(), 'bypass-small-'));
    run('mount', '-t', 'tmpfs', '-o', 'size=3m,mode=711', 'small', small);
    libvirt = await openLibvirtLab();
    lab = await openMachineLab(libvirt);
  });
  afterAll(async () => {
    await lab.close();
    await libvirt.close();
    run('umount', small);
    await rmdir(small);
  });

  const release = (machine: Machine, where = lab) =>
    where.hypervisor.release({
      vmId: machine.vmId,
      generation: machine.generation,
      remove: [{ poolId: machine.poolId, volumeId: machine.disk.volumeId }],
      forget: true,
    });
  const stop = (machine: Machine) =>
    lab.hypervisor.stop({ vmId: machine.vmId, forced: true, patienceMs: 0 }, new AbortController().signal);
  const sizeOf = ({ disk }: Machine): number =>
    (
      JSON.parse(run('qemu-img', 'info', '-U', '--output=json', join(lab.root, disk.volumeId))) as {
        'virtual-size': number;
      }
    )['virtual-size'];
  const domains = async (): Promise<string> => libvirt.virsh.run(['list', '--all', '--uuid', '--name']);

  test('is paused while its pool is full, says why, and goes on each time that there is room', async () => {
    const resize = (bytes: number): unknown => run('mount', '-o', `remount,size=${bytes}`, small);
    const used = (): number => {
      const { blocks, bfree, bsize } = statfsSync(small);
      return (blocks - bfree) * bsize;
    };
    const full = await openMachineLab(libvirt, { root: small });
    const image = await full.publish(writingDisk(), 'RAW');
    const machine = full.machine(image);
    const becomes = (state: string): Promise<DomainReport> =>
      until(`the machine is ${state}`, async () => {
        const [report] = await full.hypervisor.domains();
        return report?.state === state ? report : undefined;
      });
    await full.start({ ...machine, disk: { ...machine.disk, size: 4096 * MIB } });
    expect((await becomes('paused')).reason).toMatch(/^I\/O error: no space is left on the pool/);
    resize(600 * MIB);
    await becomes('running');
    // The guest writes meanwhile: a size below what it has written by then is refused.
    await until('the pool is nearly full', () => {
      try {
        resize(used() + MIB);
        return true;
      } catch {
        return false;
      }
    });
    await becomes('paused');
    // Less than what was there the first time, and more than what the machine was paused with.
    resize(500 * MIB);
    expect(await becomes('running')).not.toHaveProperty('reason');
    await release(machine, full);
    expect(await publishedIn(small)).toEqual([image.copyId]);
    await full.close();
  });

  if (isFullRun) {
    test('has a longer disk after a start with a larger size, and never a shorter one', async () => {
      const machine = lab.machine(await lab.publish(bootDisk('grows'), 'RAW'));
      await lab.start(machine);
      await stop(machine);
      const larger = next(machine, 100 * MIB + 1);
      expect(await lab.start(larger)).toMatchObject({ size: 100 * MIB + 65_536 });
      expect(sizeOf(machine)).toBe(100 * MIB + 65_536);
      await lab.console(machine.vmId, 'grows');
      await stop(machine);
      await lab.start(next(larger, MIB));
      expect(sizeOf(machine)).toBe(100 * MIB + 65_536);
      await release(next(larger));
    });

    test('whose disk another QEMU has open is not started, also when its disk would first be made longer', async () => {
      const machine = lab.machine(await lab.publish(bootDisk('locked'), 'RAW'));
      await lab.start(machine);
      for (const size of [machine.disk.size, 200 * MIB]) {
        const twin = { ...next(machine, size), vmId: randomUUID(), instanceName: 'twin' };
        await expect(lab.start(twin)).rejects.toMatchObject({
          kind: 'DiskLocked',
          message: expect.stringMatching(
            /^the disk is locked: another host or process has it open/,
          ) as string,
        });
      }
      expect(sizeOf(machine)).toBe(machine.disk.size);
      await release(machine);
    });

    test('is not started from a pool that the user of QEMU cannot reach, and the sentence says what to do', async () => {
      const closed = await mkdtemp(join(libvirt.folder, 'closed-'));
      const unreachable = await openMachineLab(libvirt, { root: join(closed, 'pool') });
      const machine = unreachable.machine(await unreachable.publish(bootDisk('unheard'), 'RAW'));
      await expect(unreachable.start(machine)).rejects.toMatchObject({
        kind: 'DomainFailed',
        message: expect.stringMatching(
          /^QEMU's user may not open a file of the machine: .*chmod o\+x/,
        ) as string,
      });
      expect(await domains()).not.toContain(machine.vmId);
      expect(await publishedIn(unreachable.root)).not.toContain(machine.disk.volumeId);
      await unreachable.close();
    });
  }

  test('goes with the memory that an administrator saved, and with snapshots', async () => {
    const machine = lab.machine(await lab.publish(bootDisk('saved'), 'RAW'));
    const { vmId } = machine;
    await lab.start(machine);
    await lab.console(vmId, 'saved');
    await libvirt.virsh.run(['snapshot-create-as', vmId, 'by-hand']);
    await libvirt.virsh.run(['managedsave', vmId]);
    expect(await lab.hypervisor.domains()).toMatchObject([{ vmId, state: 'shutoff' }]);
    expect(await lab.start(next(machine))).toMatchObject({ state: 'running' });
    await libvirt.virsh.run(['managedsave', vmId]);
    expect(await release(next(machine))).toMatchObject({ had: true });
    expect(await domains()).not.toContain(vmId);
    expect(run('find', join(libvirt.folder, 'lib/qemu'), '-name', `*${machine.instanceName}*`)).toBe('');
  });

  test('whose QEMU ended before libvirt could read why is started once more', async () => {
    const silent = 'error: internal error: qemu unexpectedly closed the monitor';
    let failures = 0;
    const virsh: Virsh = {
      ...libvirt.virsh,
      runAll(commands, call) {
        if (failures > 0 || !commands.some(([name]) => name === 'start'))
          return libvirt.virsh.runAll(commands, call);
        failures += 1;
        return Promise.reject(libvirtError(`error: Failed to start domain 'x'\n${silent}`));
      },
    };
    const other = await openMachineLab({ ...libvirt, virsh });
    const image = await other.publish(bootDisk('at last'), 'RAW');
    const machine = other.machine(image);
    expect(await other.start(machine)).toMatchObject({ state: 'running' });
    await release(machine, other);
    failures = 0;
    await expect(other.start(other.machine(image, { memory: 64 * 1024 * 1024 }))).rejects.toMatchObject({
      kind: 'OutOfMemory',
    });
    expect(failures).toBe(1);
    await other.close();
  });

  if (isFullRun) {
    test('whose name a domain of somebody else has is not started, and the sentence says what to do', async () => {
      const machine = lab.machine(await lab.publish(bootDisk('unheard'), 'RAW'));
      const other = randomUUID();
      const xml = `<domain type='qemu'><name>${machine.instanceName}</name><uuid>${other}</uuid><memory>32768</memory><os><type>hvm</type></os></domain>`;
      await libvirt.virsh.run(['define', '/dev/stdin'], { xml });
      await expect(lab.start(machine)).rejects.toMatchObject({
        kind: 'DomainFailed',
        message: expect.stringMatching(
          /^libvirt has another domain of this name, .*: rename or undefine it with virsh/,
        ) as string,
      });
      expect(await domains()).toContain(other);
      expect(await domains()).not.toContain(machine.vmId);
      expect(await publishedIn(lab.root)).not.toContain(machine.disk.volumeId);
      await libvirt.virsh.run(['undefine', other]);
    });

    test('has the address that the host knows of it by ARP', async () => {
      const machine = lab.machine(await lab.publish(bootDisk('here'), 'RAW'));
      const mac = machine.nics[0]?.mac ?? '';
      await lab.start(machine);
      const link = `bp${randomUUID().slice(0, 8)}`;
      run('ip', 'link', 'add', link, 'type', 'bridge');
      try {
        run('ip', 'link', 'set', link, 'up');
        run('ip', 'neigh', 'add', '192.0.2.9', 'lladdr', mac, 'dev', link, 'nud', 'permanent');
        expect(await lab.hypervisor.domains()).toMatchObject([{ addresses: [{ mac, ip4: '192.0.2.9' }] }]);
      } finally {
        run('ip', 'link', 'del', link);
      }
      await release(machine);
    });
  }
});
