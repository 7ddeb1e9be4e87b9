// Builds dist/ from the sources: compiles the program, bundles the workflows, builds the page. Parts that are up to date are kept.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

const common = ['package.json', 'package-lock.json', 'tsconfig.json'];

/** The parts, in the order of the build. A part is built again when one of its sources is newer. */
const parts = [
  {
    name: 'program',
    sources: [
      'model',
      'platform',
      'images',
      'hypervisor',
      'trust',
      'orchestration',
      'activities',
      'workflows',
      'workers',
      'dev',
      'db',
      'api',
      'cli',
      'bin/main.ts',
      'bench',
      'test/support',
      'tsconfig.build.json',
    ],
    make: () => run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'),
  },
  { name: 'migrations', sources: ['db/migrations'], make: copyMigrations },
  {
    name: 'workflows',
    sources: ['model', 'workflows', 'workers/bundle.ts'],
    make: () => run('dist/workers/bundle.js'),
  },
  {
    name: 'page',
    sources: ['model', 'ui'],
    make: () =>
      run(
        ...'node_modules/vite/bin/vite.js build --config ui/vite.config.ts --configLoader runner'.split(' '),
        ...'--logLevel warn'.split(' '),
      ),
  },
];

/** Time of the newest source in milliseconds. The time of a folder shows deleted files. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), stat.mtimeMs);
}

const stampOf = ({ name }) => join(dist, `.built-${name}`);

function isFresh(part) {
  const stamp = stampOf(part);
  if (!existsSync(stamp)) return false;
  const { mtimeMs } = statSync(stamp);
  return [...common, ...part.sources].every((name) => newest(join(root, name)) <= mtimeMs);
}

/** One process builds at a time. The others wait for it, unless it was killed. */
async function whileLocked(action) {
  mkdirSync(dist, { recursive: true });
  const lock = join(dist, '.building');
  while (!take(lock)) {
    if (isAbandoned(lock)) rmSync(lock, { force: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  try {
    action();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAbandoned(lock) {
  try {
    const age = Date.now() - statSync(lock).mtimeMs;
    const pid = Number(readFileSync(lock, 'utf8'));
    if (pid === 0) return age > 5000;
    process.kill(pid, 0);
    return age > 120_000;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Runs a Node script in the folder of package.json. */
function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    // Jest sets NODE_ENV to `test`, with which the page would get the development build of React.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (status !== 0) throw new BuildError(`The build failed:\n${stdout}${stderr}`);
}

class BuildError extends Error {}

function build(part) {
  const started = new Date();
  part.make();
  writeFileSync(stampOf(part), '');
  utimesSync(stampOf(part), started, started);
}

/** Removes the copies of an earlier build first: each file in the folder is applied to the database. */
function copyMigrations() {
  const migrations = join(dist, 'db/migrations');
  rmSync(migrations, { recursive: true, force: true });
  cpSync(join(root, 'db/migrations'), migrations, { recursive: true });
}

/** Whether this folder can build: an installed package and a container image have dist/ but no sources or no compiler. */
const canBuild = () =>
  existsSync(join(root, 'tsconfig.json')) && existsSync(join(root, 'node_modules/typescript'));

/**
 * Ends the process, with the compiler's output, when the build fails.
 * @param {readonly string[]} names of the needed parts; default: all
 */
export async function ensureBuilt(names = parts.map(({ name }) => name)) {
  if (!canBuild()) return;
  const needed = parts.filter(({ name }) => names.includes(name));
  if (needed.every(isFresh)) return;
  try {
    await whileLocked(() => {
      const stale = needed.filter((part) => !isFresh(part));
      if (stale.length > 0 && process.stderr.isTTY) process.stderr.write('Compiling Bypass…\n');
      stale.forEach(build);
    });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

// `node bin/build.js [PART…]`
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  await ensureBuilt(names.length === 0 ? undefined : names);
}
