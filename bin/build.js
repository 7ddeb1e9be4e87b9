// Compiles the sources to dist/ and bundles the workflows, when they are newer than what is there.
import { spawnSync } from 'node:child_process';
import {
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

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const folders = [
  'model',
  'images',
  'trust',
  'orchestration',
  'activities',
  'workflows',
  'workers',
  'db',
  'api',
  'cli',
  'bench',
  'test/support',
  'ui',
];

/** Milliseconds of the newest source; files that were deleted show in their folder's time. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), stat.mtimeMs);
}

function isFresh() {
  if (!existsSync(stamp)) return false;
  const sources = [...folders, 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  return sources.every((name) => newest(join(root, name)) <= statSync(stamp).mtimeMs);
}

/** Only one process builds; the others wait for it, unless it was killed. */
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

function run(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    // Whoever builds, such as a test: the page is made of React as it is for people, not as for its developers.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (status !== 0) throw new BuildError(`The build failed:\n${stdout}${stderr}`);
}

class BuildError extends Error {}

function build() {
  const started = new Date();
  run([join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')]);
  run([join(dist, 'workers/bundle.js')]);
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  run([
    vite,
    'build',
    '--config',
    join(root, 'ui/vite.config.ts'),
    '--configLoader',
    'runner',
    '--logLevel',
    'warn',
  ]);
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

/** Ends the process, with what the compiler says, when the build fails. */
export async function ensureBuilt() {
  if (!existsSync(join(root, 'tsconfig.json')) || isFresh()) return;
  try {
    await whileLocked(() => {
      if (isFresh()) return;
      if (process.stderr.isTTY) process.stderr.write('Compiling Bypass…\n');
      build();
    });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureBuilt();
