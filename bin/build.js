// Compiles the sources to dist/ and bundles the workflows, when they are newer than what is there.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
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

/** Only one process builds; the others wait for it. */
async function whileLocked(action) {
  mkdirSync(dist, { recursive: true });
  const lock = join(dist, '.building');
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx'));
      break;
    } catch {
      const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
      if (age > 120_000) rmSync(lock, { force: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  try {
    action();
  } finally {
    rmSync(lock, { force: true });
  }
}

function run(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) {
    process.stderr.write(`The build failed:\n${stdout}${stderr}`);
    process.exit(1);
  }
}

function build() {
  const started = new Date();
  run([join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')]);
  run([join(dist, 'workers/bundle.js')]);
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

export async function ensureBuilt() {
  if (!existsSync(join(root, 'tsconfig.json')) || isFresh()) return;
  await whileLocked(() => {
    if (isFresh()) return;
    if (process.stderr.isTTY) process.stderr.write('Compiling Bypass…\n');
    build();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureBuilt();
