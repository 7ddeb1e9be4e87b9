// `npm test`: everything that the tests need, the tests, and one line that says how they went.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../bin/build.js';
import { installFromPypi, installPrograms } from './install.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2);
const full = given.includes('--full');

installPrograms();
await ensureBuilt();
const { cacheFolder } = await import('../dist/workers/dev/cache.js');
const cache = await cacheFolder({ cacheHome: process.env.XDG_CACHE_HOME, home: process.env.HOME });
const cs = installFromPypi(cache, 'cs');
const schemathesis = full ? installFromPypi(cache, 'schemathesis') : undefined;

const folder = mkdtempSync(join(tmpdir(), 'bypass-run-'));
const resultFile = join(folder, 'result.json');
const code = await runJest([
  '--json',
  '--outputFile',
  resultFile,
  ...given.filter((arg) => arg !== '--full'),
]);
const result = readResult(resultFile);
rmSync(folder, { recursive: true, force: true });
if (result === undefined) {
  process.stdout.write('Jest ended without a result\n0 passed, 1 failed\n');
  process.exitCode = code || 1;
} else {
  // A file that could not be run at all has no failed tests, but has failed.
  const failures = result.numFailedTests + result.numRuntimeErrorTestSuites;
  // Jest may find fault after the last test, too.
  const failed = failures === 0 && code !== 0 ? 1 : failures;
  const skipped = result.numPendingTests + result.numTodoTests;
  const skips = skipped === 0 ? '' : `, ${skipped} skipped`;
  process.stdout.write(`${result.numPassedTests} passed, ${failed} failed${skips}\n`);
  process.exitCode = code || (failed > 0 ? 1 : 0);
}

/** Signals go on to Jest, which ends the servers of the run. */
function runJest(args) {
  const child = spawn(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ...(full ? { BYPASS_TEST_FULL: '1' } : {}),
      ...(cs === undefined ? {} : { BYPASS_TEST_CS: cs }),
      ...(schemathesis === undefined ? {} : { BYPASS_TEST_SCHEMATHESIS: schemathesis }),
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
