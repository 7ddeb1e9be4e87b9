// `npm test`, `npm run test:full`, `npm run test:cluster`: everything that the tests need, the tests, and one line that says how they went.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureBuilt, root } from '../bin/build.js';
import { installFromPypi, installPrograms, otherNodes, otherPostgres } from './install.js';

const given = process.argv.slice(2);
const full = given.includes('--full');
const cluster = given.includes('--cluster');
const named = given.filter((arg) => arg !== '--full' && arg !== '--cluster');
/** What starts whole installations, which is what the production engine is for. */
const CLUSTER_SUITES = ['test/end-to-end/'];
const whole = cluster && named.every((arg) => arg.startsWith('-')) ? [...CLUSTER_SUITES, ...named] : named;
// An installation of two of everything takes the processors of a small machine by itself: one file at a time.
const chosen = cluster ? ['--maxWorkers=1', ...whole] : whole;

/** What touches most of Node: processes, threads, streams, HTTP, TLS, the native part of Temporal's SDK. */
const SHORT_FORM = ['test/end-to-end/one-host', 'test/images/probe', 'test/trust/', 'test/workflows/replay'];

installPrograms();
await ensureBuilt();
const { cacheFolder } = await import('../dist/dev/cache-folder.js');
const cache = await cacheFolder({ cacheHome: process.env.XDG_CACHE_HOME, home: process.env.HOME });
const cs = installFromPypi(cache, 'cs');
const schemathesis = full ? installFromPypi(cache, 'schemathesis') : undefined;

const runs = [await runJest(process.execPath, chosen, cluster ? { BYPASS_TEST_ENGINE: 'cluster' } : {})];
if (full) {
  for (const node of otherNodes(cache)) {
    process.stderr.write(`The short form on Node ${node.version}\n`);
    const path = `${dirname(node.program)}:${process.env.PATH}`;
    runs.push(await runJest(node.program, SHORT_FORM, { BYPASS_TEST_FULL: '', PATH: path }));
  }
  for (const { version, folder } of otherPostgres(cache)) {
    process.stderr.write(`The short form of the database on PostgreSQL ${version}\n`);
    runs.push(
      await runJest(process.execPath, ['test/db/'], { BYPASS_TEST_FULL: '', BYPASS_TEST_POSTGRES: folder }),
    );
  }
}
const sum = (key) => runs.reduce((total, run) => total + run[key], 0);
const skips = sum('skipped') === 0 ? '' : `, ${sum('skipped')} skipped`;
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed${skips}\n`);
process.exitCode = runs.find(({ code }) => code > 0)?.code ?? (sum('failed') > 0 ? 1 : 0);

/**
 * @param {string} node the program
 * @param {readonly string[]} args
 * @returns {Promise<{ passed: number, failed: number, skipped: number, code: number }>}
 */
async function runJest(node, args, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'bypass-run-'));
  const resultFile = join(folder, 'result.json');
  try {
    const code = await spawnJest(node, ['--json', '--outputFile', resultFile, ...args], env);
    return judge(readResult(resultFile), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function judge(result, code) {
  if (result === undefined) {
    process.stdout.write('Jest ended without a result\n');
    return { passed: 0, failed: 1, skipped: 0, code: code || 1 };
  }
  // A file that could not be run at all has no failed tests, but has failed.
  const failures = result.numFailedTests + result.numRuntimeErrorTestSuites;
  return {
    passed: result.numPassedTests,
    // Jest may find fault after the last test, too.
    failed: failures === 0 && code !== 0 ? 1 : failures,
    skipped: result.numPendingTests + result.numTodoTests,
    code,
  };
}

/** Signals go on to Jest, which ends the servers of the run. */
function spawnJest(node, args, env) {
  const child = spawn(node, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ...(full ? { BYPASS_TEST_FULL: '1' } : {}),
      ...(cs === undefined ? {} : { BYPASS_TEST_CS: cs }),
      ...(schemathesis === undefined ? {} : { BYPASS_TEST_SCHEMATHESIS: schemathesis }),
      ...env,
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

function readResult(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
