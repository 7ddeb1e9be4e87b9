/**
 * The libvirt lab: a real libvirtd and virtlogd of one host, in a mount namespace of their own, so that several hosts live on
 * one machine. Their folders are the lab's, their sockets too. QEMU runs as its own user, as on a production host.
 *
 * Requires root. `needingLibvirt` skips tests where no domain can be started, and says why.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHypervisor } from '../../hypervisor/create.ts';
import type { Hypervisor, HypervisorOptions, Machine, NetworkSetting } from '../../hypervisor/hypervisor.ts';
import { createVirsh } from '../../hypervisor/virsh.ts';
import type { Virsh } from '../../hypervisor/virsh.ts';
import type { Pool } from '../../images/pools/pool.ts';
import { createPools } from '../../images/pools/pools.ts';
import type { Pools } from '../../images/pools/pools.ts';
import type { VmImage } from '../../model/vm-payloads.ts';
import { knownInMemory } from './host.ts';
import { findProgram } from '../support/programs.ts';
import { until } from '../support/until.ts';

export interface LibvirtLab {
  readonly virsh: Virsh;
  readonly uri: string;
  /** Folder of the lab, which QEMU's user can pass through. */
  readonly folder: string;
  /** Ends libvirtd with SIGKILL; guests go on. */
  killLibvirtd(): Promise<void>;
  /** Ends libvirtd and all guests, as a power failure does. */
  powerOff(): Promise<void>;
  /** Starts libvirtd again, and waits until it answers. */
  startLibvirtd(): Promise<void>;
  /** Ends all guests and daemons. */
  close(): Promise<void>;
}

const PROGRAMS = [
  'libvirtd',
  'virtlogd',
  'virsh',
  'qemu-system-x86_64',
  'qemu-img',
  'xorriso',
  'unshare',
  'nsenter',
];
const ROOT_FOLDERS = ['run', 'lib', 'etc', 'log'] as const;
/** What libvirt found out about QEMU, which takes seconds; all labs share it. */
const CACHE = join(tmpdir(), 'bypass-libvirt-cache');
/** VNC ports of a lab: each has some of its own. */
const PORTS = 100;

/** Why libvirt cannot start a domain here; undefined: it can. */
export function whyNoLibvirt(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const absent = PROGRAMS.filter((name) => findProgram(name) === undefined);
  return absent.length > 0 ? `no ${absent.join(', ')}` : undefined;
}

/** `describe`, or `describe.skip` with the reason in its name where libvirt cannot start a domain. */
export function needingLibvirt(): jest.Describe {
  const reason = whyNoLibvirt();
  if (reason === undefined) return describe;
  const skip = (name: string, run: () => void) => describe.skip(`${name} (skipped: ${reason})`, run);
  return skip as jest.Describe;
}

export interface LibvirtLabOptions {
  /** A network namespace of its own, in which libvirt can start networks. Default false. */
  readonly network?: boolean;
  /** A folder of programs that libvirtd finds before others. */
  readonly programs?: string;
}

/** @param settings lines of qemu.conf */
export async function openLibvirtLab(
  settings: Readonly<Record<string, string>> = {},
  { network = false, programs }: LibvirtLabOptions = {},
): Promise<LibvirtLab> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-libvirt-'));
  await chmod(folder, 0o711);
  for (const name of ROOT_FOLDERS) await mkdir(join(folder, name));
  await mkdir(CACHE, { recursive: true, mode: 0o711 });
  await cp('/etc/libvirt', join(folder, 'etc'), { recursive: true });
  await rm(join(folder, 'etc/qemu'), { recursive: true, force: true });
  await writeFile(join(folder, 'etc/qemu.conf'), qemuConf(settings));
  await writeFile(join(folder, 'etc/libvirtd.conf'), 'auth_unix_rw = "none"\n');
  await writeFile(join(folder, 'etc/virtlogd.conf'), `max_size = ${VIRTLOGD_MAX_SIZE}\nmax_backups = 2\n`);
  const net = network ? ['--net'] : [];
  const inNamespace = [
    '--mount',
    ...net,
    '--propagation',
    'slave',
    'sh',
    '-c',
    NAMESPACE,
    'sh',
    folder,
    CACHE,
  ];
  const virtlogd = spawnDaemon('unshare', inNamespace);
  const namespaces = ['--target', String(virtlogd.pid), '--mount', ...net];
  await until('virtlogd listens', () => exists(join(folder, 'run/virtlogd-sock')));
  const uri = `qemu+unix:///system?socket=${join(folder, 'run/libvirt-sock')}`;
  const virsh = createVirsh({ uri });
  let libvirtd: ChildProcess | undefined;

  const startLibvirtd = async (): Promise<void> => {
    const pidFile = join(folder, `libvirtd-${randomUUID()}.pid`);
    const args = ['-p', pidFile, '-f', '/etc/libvirt/libvirtd.conf'];
    // On one processor only: some virtual machines give each processor another identity, which makes the cache worthless.
    const pinned = ['taskset', '--cpu-list', '0', findProgram('libvirtd') ?? ''];
    libvirtd = spawnDaemon('nsenter', [...namespaces, ...pinned, ...args], programs);
    await until('libvirtd answers', () =>
      virsh.run(['version']).then(
        () => true,
        () => false,
      ),
    );
  };
  const killLibvirtd = async (): Promise<void> => {
    if (libvirtd === undefined || libvirtd.exitCode !== null || libvirtd.signalCode !== null) return;
    const ended = once(libvirtd, 'exit');
    libvirtd.kill('SIGKILL');
    await ended;
  };
  const powerOff = async (): Promise<void> => {
    await killLibvirtd();
    await endGuests(folder);
  };
  await startLibvirtd();

  return {
    virsh,
    uri,
    folder,
    killLibvirtd,
    powerOff,
    startLibvirtd,
    async close() {
      await powerOff();
      const ended = once(virtlogd, 'exit');
      virtlogd.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

export const VIRTLOGD_MAX_SIZE = 128 * 1024;

/** $1: the lab's folder; $2: the cache. virtlogd holds the namespace. */
const NAMESPACE = `set -e
ip link set lo up
at() { mkdir -p "$2"; mount --bind "$1" "$2"; }
at "$1/run" /run/libvirt
at "$1/etc" /etc/libvirt
at "$1/lib" /var/lib/libvirt
at "$1/log" /var/log/libvirt
at "$2" /var/cache/libvirt
# Nor does it matter what another QEMU can do.
[ ! -e /usr/bin/qemu-system-i386 ] || mount --bind "$1/etc/qemu.conf" /usr/bin/qemu-system-i386
# Where QEMU's user may not open /dev/kvm, libvirt asks QEMU for seconds before each command what it can do.
if [ -c /dev/kvm ]; then
  mknod -m 666 "$1/kvm" c 10 232
  mount --bind "$1/kvm" /dev/kvm
fi
exec virtlogd -p "$1/virtlogd.pid" -f /etc/libvirt/virtlogd.conf`;

function qemuConf(settings: Readonly<Record<string, string>>): string {
  const first = 5900 + 10_000 + Math.floor(Math.random() * 400) * PORTS;
  const lines: Readonly<Record<string, string>> = {
    stdio_handler: '"logd"',
    security_driver: '"none"',
    cgroup_controllers: '[]',
    namespaces: '[]',
    // What remembers owners are extended attributes that not every file system has.
    remember_owner: '0',
    user: '"libvirt-qemu"',
    group: '"kvm"',
    remote_display_port_min: String(first),
    remote_display_port_max: String(first + PORTS - 1),
    ...settings,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

function spawnDaemon(program: string, args: readonly string[], programs?: string): ChildProcess {
  const folders = [programs, process.env['PATH'], '/usr/sbin', '/sbin'];
  const PATH = folders.filter((folder) => folder !== undefined).join(':');
  return spawn(program, args, { stdio: 'ignore', env: { ...process.env, PATH } });
}

const exists = (path: string): Promise<boolean> =>
  chmod(path, 0o700).then(
    () => true,
    () => false,
  );

/** Ends the guests by the process ids that libvirt keeps in the lab's folder. */
async function endGuests(folder: string): Promise<void> {
  const files = execFileSync('find', [join(folder, 'run/qemu'), '-name', '*.pid'], { encoding: 'utf8' });
  for (const path of files.split('\n').filter((line) => line !== '')) {
    const pid = Number(await readFile(path, 'utf8'));
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    await until('the guest has ended', () => !isAlive(pid));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A host of a libvirt lab, with one pool that holds one image that boots. */
export interface MachineLab {
  readonly hypervisor: Hypervisor;
  readonly pools: Pools;
  readonly pool: Pool;
  /** The pool's root. */
  readonly root: string;
  /** The hypervisor's folder. */
  readonly state: string;
  /** Publishes an image in the pool, as a finished download leaves it. */
  publish(content: Buffer, format: VmImage['format']): Promise<VmImage>;
  /** A machine that stands on the image. */
  machine(image: VmImage | undefined, changes?: Partial<Machine>): Machine;
  start(machine: Machine): ReturnType<Hypervisor['start']>;
  /** Waits until the serial console has a text. */
  console(vmId: string, wanted: string): Promise<string>;
  /** A hypervisor of the same host, as after a restart of the host worker. */
  restarted(): Hypervisor;
  close(): Promise<void>;
}

export interface MachineLabOptions {
  readonly networks?: readonly NetworkSetting[];
  /** Root of the pool, for pools of several hosts. Default: a folder in the lab. */
  readonly root?: string;
  readonly options?: Partial<HypervisorOptions>;
}

export async function openMachineLab(lab: LibvirtLab, given: MachineLabOptions = {}): Promise<MachineLab> {
  const folder = await mkdtemp(join(lab.folder, 'host-'));
  await chmod(folder, 0o711);
  const root = given.root ?? join(folder, 'pool');
  await mkdir(root, { recursive: true });
  const config = {
    path: root,
    type: 'SharedMountPoint',
    scope: 'CLUSTER',
    name: 'lab',
    create: true,
  } as const;
  const pools = createPools([config], knownInMemory());
  const { id = '' } = (await pools.report()).pools[0] ?? {};
  const pool = await pools.require(id);
  const state = join(folder, 'machines');
  const options: HypervisorOptions = {
    virsh: lab.virsh,
    hostId: randomUUID(),
    accelerator: () => Promise.resolve('tcg'),
    networks: given.networks ?? [{ name: 'guest', kind: 'user' }],
    pools,
    folder: state,
    ...given.options,
  };
  const opened: Hypervisor[] = [];
  const open = (): Hypervisor => {
    const hypervisor = createHypervisor(options);
    opened.push(hypervisor);
    return hypervisor;
  };
  const hypervisor = open();
  return {
    hypervisor,
    pools,
    pool,
    root,
    state,
    async publish(content, format) {
      const copyId = randomUUID();
      await writeFile(join(root, copyId), content, { mode: 0o644 });
      return { copyId, format };
    },
    machine: (image, changes) => machineOf(id, image, changes),
    start: (machine) =>
      hypervisor.start(machine, { signal: new AbortController().signal, onPhase: () => undefined }),
    async console(vmId, wanted) {
      return until(`the serial console has '${wanted}'`, async () => {
        const { output } = await hypervisor.consoleLog(vmId, 65_536);
        return output.includes(wanted) ? output.toString('latin1') : undefined;
      });
    },
    restarted: open,
    async close() {
      for (const one of opened) one.close();
      await rm(folder, { recursive: true });
    },
  };
}

let count = 0;

function machineOf(poolId: string, image: VmImage | undefined, changes: Partial<Machine> = {}): Machine {
  count += 1;
  return {
    vmId: randomUUID(),
    instanceName: `i-2-${count}-LAB`,
    generation: 1,
    zoneId: randomUUID(),
    accountId: randomUUID(),
    poolId,
    disk: {
      volumeId: randomUUID(),
      size: 1024 * 1024 * 64,
      provisioning: 'thin',
      cache: 'none',
      ...(image && { image }),
    },
    bootFromIso: false,
    cpus: 1,
    cpuSpeed: 500,
    limitCpu: false,
    memory: 32,
    nics: [
      { nicId: randomUUID(), mac: `02:00:00:00:${hex(count >> 8)}:${hex(count & 255)}`, network: 'guest' },
    ],
    seed: { instanceId: randomUUID(), hostName: `web${count}`, publicKeys: [] },
    details: {},
    secrets: { vncPassword: 'hunter22' },
    ...changes,
  };
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
