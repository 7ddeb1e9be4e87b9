/**
 * `npm run package [-- FOLDER]`: makes two packages in packages/, or in the given folder:
 *
 * - the npm package of the `bypass` command, which needs Node and, when it is installed, the registry of npm;
 * - a Debian package of the host worker: the npm package with its production dependencies, with the Node that runs this (24 or newer,
 *   by node-24.js), so that it needs neither, and with its systemd unit.
 *
 * The same tree and the same Node give the same bytes.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ensureBuilt, root } from './build.js';

/** Debian's name and Rust's name of the architecture, by Node's. */
const ARCHITECTURES = {
  x64: { debian: 'amd64', rust: 'x86_64' },
  arm64: { debian: 'arm64', rust: 'aarch64' },
};

/** Debian's packages of the programs that a host worker uses, and reports as missing: docs/production.md. */
const RECOMMENDED = (
  'bzip2 ca-certificates libnfs-utils qemu-utils xz-utils zstd ' +
  'libvirt-daemon-system libvirt-clients qemu-system-x86 seabios ipxe-qemu ovmf'
).split(' ');

const NAME = 'bypass-host';
const LIBRARY = 'usr/lib/bypass';
const DOCUMENTS = `usr/share/doc/${NAME}`;
const SETTINGS = 'etc/bypass/host.env';

class PackageError extends Error {}

const read = (path) => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(read('package.json'));

/** @returns {string} path of the npm package */
function packCommand(folder) {
  const args = ['pack', '--json', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
  return join(folder, filename);
}

/** @returns {string} path of the Debian package */
function packHost(folder, tarball) {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new PackageError(
      `No host worker runs on ${process.platform} ${process.arch}: build on Linux, x64 or arm64`,
    );
  const time = sourceTime();
  const tree = mkdtempSync(join(tmpdir(), 'bypass-package-'));
  try {
    layOut(tree, tarball, architecture);
    writeControl(tree, architecture);
    settle(tree, time);
    const path = join(folder, `${NAME}_${debianVersion()}_${architecture.debian}.deb`);
    // Every release that can run the worker reads zstd, and xz takes minutes.
    const args = ['--root-owner-group', '-Zzstd', '--build', tree, path];
    execFileSync('dpkg-deb', args, { env: { ...process.env, SOURCE_DATE_EPOCH: String(time) } });
    return path;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** The time that all files get, in seconds: SOURCE_DATE_EPOCH, or that of the last commit. */
function sourceTime() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return Number(given);
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
  } catch {
    throw new PackageError(
      'This folder has no commits: set SOURCE_DATE_EPOCH to the time of the release in seconds',
    );
  }
}

/** A pre-release is older than its release: 1.0.0~rc.1. */
const debianVersion = () => manifest.version.replace('-', '~');

function layOut(tree, tarball, { rust }) {
  const library = join(tree, LIBRARY);
  mkdirSync(library, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', library, '--strip-components=1']);
  for (const path of productionPackages()) copyPackage(path, library, rust);
  copyNode(library);
  copy('deploy/debian/bypass', join(tree, 'usr/bin/bypass'));
  write(join(tree, `usr/lib/systemd/system/${NAME}.service`), unit());
  write(join(tree, SETTINGS), settings());
  for (const name of readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md')))
    copy(`docs/${name}`, join(tree, DOCUMENTS, name));
  write(join(tree, DOCUMENTS, 'copyright'), copyright());
}

/** The packages that `npm prune --omit=dev --omit=optional` leaves, as paths that begin with node_modules/. */
const productionPackages = () =>
  Object.entries(JSON.parse(read('package-lock.json')).packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !(dev ?? optional ?? devOptional))
    .map(([path]) => path);

/** Of the native part of Temporal's SDK, only the library of this architecture. */
function copyPackage(path, library, rust) {
  const source = join(root, path);
  const isWanted = (file) => {
    const name = file.slice(source.length + 1);
    if (name === 'node_modules') return false;
    if (!path.endsWith('@temporalio/core-bridge')) return true;
    const [folder, release] = name.split('/');
    if (folder === 'releases') return release === undefined || release === `${rust}-unknown-linux-gnu`;
    return folder !== 'sdk-core';
  };
  cpSync(source, join(library, path), { recursive: true, filter: isWanted });
}

/** The Node that runs this, with its license. */
function copyNode(library) {
  const shared = Object.entries(process.config.variables).filter(
    ([name, value]) => name.startsWith('node_shared') && value,
  );
  if (shared.length > 0)
    throw new PackageError(
      `${process.execPath} needs libraries that hosts may not have: use a Node of nodejs.org`,
    );
  const prefix = dirname(dirname(process.execPath));
  const license = ['LICENSE', 'share/doc/nodejs/LICENSE'].map((name) => join(prefix, name)).find(existsSync);
  if (license === undefined)
    throw new PackageError(
      `The license of ${process.execPath} is not in ${prefix}: use a Node of nodejs.org`,
    );
  copyFileSync(process.execPath, join(library, 'node'));
  copyFileSync(license, join(library, 'node.LICENSE'));
}

/** The unit of deploy/ for the paths of the package. Its head says how a checkout installs it. */
const unit = () =>
  [
    `# The settings are in /${SETTINGS}. \`systemctl edit ${NAME}\` changes this unit, such as its ReadWritePaths.\n`,
    replaced(read('deploy/bypass-host.service'), [
      [/^[^[]*(?=\[Unit\])/, ''],
      ['/usr/bin/env node', `/${LIBRARY}/node`],
      ['/opt/bypass/bin/', `/${LIBRARY}/bin/`],
      ['/opt/bypass/docs/', `/${DOCUMENTS}/`],
    ]),
  ].join('');

function replaced(text, replacements) {
  return replacements.reduce((result, [from, to]) => {
    const next = result.replace(from, to);
    if (next === result) throw new PackageError(`deploy/bypass-host.service has no ${from}`);
    return next;
  }, text);
}

/** The settings of deploy/, each as a comment: a worker that is not set up says what it lacks. */
const settings = () => read('deploy/bypass-host.env').replace(/^(?=[A-Z])/gm, '#');

const copyright = () =>
  [
    'Bypass: Apache-2.0, /usr/share/common-licenses/Apache-2.0.',
    `Node.js ${process.version}: /${LIBRARY}/node.LICENSE.`,
    `The packages below /${LIBRARY}/node_modules: their licenses are in their folders.`,
    '',
  ].join('\n');

function writeControl(tree, { debian, rust }) {
  const binaries = [
    'node',
    `node_modules/@temporalio/core-bridge/releases/${rust}-unknown-linux-gnu/index.node`,
  ];
  const library = binaries
    .map((path) => glibcOf(join(tree, LIBRARY, path)))
    .toSorted(byVersion)
    .at(-1);
  const fields = {
    Package: NAME,
    Version: debianVersion(),
    Architecture: debian,
    Maintainer: 'The contributors of Bypass <bypass@bypass.invalid>',
    Section: 'admin',
    Priority: 'optional',
    'Installed-Size': Math.ceil(sizeOf(tree) / 1024),
    Depends: `libc6 (>= ${library}), libgcc-s1, libstdc++6, util-linux`,
    Recommends: RECOMMENDED.join(', '),
    Description: `host worker of Bypass\n ${manifest.description}.\n It has the bypass command and its own Node ${process.versions.node}.`,
  };
  const control = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  write(join(tree, 'DEBIAN/control'), control.join(''));
  write(join(tree, 'DEBIAN/conffiles'), `/${SETTINGS}\n`);
  for (const script of ['postinst', 'prerm', 'postrm'])
    copy(`deploy/debian/${script}`, join(tree, 'DEBIAN', script));
}

/** The newest version of glibc that a program or library names. */
function glibcOf(path) {
  const names = readFileSync(path, 'latin1').matchAll(/\0GLIBC_(\d+\.\d+)(?=[.\0])/g);
  return [...names]
    .map(([, version]) => version)
    .toSorted(byVersion)
    .at(-1);
}

const byVersion = (a, b) => a.localeCompare(b, 'en', { numeric: true });

const pathsBelow = (folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name));

const sizeOf = (folder) => pathsBelow(folder).reduce((sum, path) => sum + lstatSync(path).size, 0);

/** Times, and modes that depend neither on the umask nor on who installed the packages. The settings may hold an API key. */
function settle(tree, time) {
  for (const path of [...pathsBelow(tree), tree]) {
    const stat = lstatSync(path);
    chmodSync(path, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
    utimesSync(path, time, time);
  }
  chmodSync(join(tree, SETTINGS), 0o640);
  chmodSync(join(tree, dirname(SETTINGS)), 0o750);
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(join(root, from), to);
}

const folder = resolve(process.argv[2] ?? join(root, 'packages'));
try {
  await ensureBuilt();
  mkdirSync(folder, { recursive: true });
  const tarball = packCommand(folder);
  process.stdout.write(`${tarball}\n${packHost(folder, tarball)}\n`);
} catch (error) {
  if (!(error instanceof PackageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
