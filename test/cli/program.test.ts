/** The compiled program, run as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, template } from './fleet.ts';

const PROGRAM = join(PROJECT_ROOT, 'bin', 'bypass.js');
const ubuntu = template('ubuntu');

let api: ApiServer;
beforeAll(async () => {
  await ensureBuilt();
  api = await startApi(fleet({ templates: [ubuntu], progress: () => 0.5 }));
});
afterAll(() => api.close());

const start = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
  spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      TERM: 'dumb',
      BYPASS_URL: api.url,
      BYPASS_API_KEY: api.apiKey,
      BYPASS_SECRET_KEY: api.secretKey,
      ...more,
    },
  });

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ReturnType<typeof start>): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

const run = (args: readonly string[], more?: NodeJS.ProcessEnv): Promise<Ended> => ended(start(args, more));

test('a client command answers and ends', async () => {
  const { code, stdout } = await run(['template', 'list', '--json']);
  expect({ code, rows: JSON.parse(stdout) as unknown }).toEqual({ code: 0, rows: [ubuntu] });
});

test('an unreachable api gives one line and exit code 3', async () => {
  const { code, stderr } = await run(['zone', 'list'], { BYPASS_URL: 'http://127.0.0.1:1' });
  expect({ code, lines: stderr.split('\n').length }).toEqual({ code: 3, lines: 2 });
});

test('the processes are commands too, with their settings as flags', async () => {
  for (const args of [
    ['dev'],
    ['demo'],
    ['host', 'run'],
    ['control', 'run'],
    ['api', 'run'],
    ['admin', 'create'],
  ]) {
    const { code, stdout } = await run([...args, '--help']);
    expect({ args, code }).toEqual({ args, code: 0 });
    expect(stdout).toMatch(/--log-level <value> [^]*BYPASS_LOG_LEVEL[^]*Example:\n {2}\$ bypass /);
  }
  expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a process that cannot start says so in one line, with its stack only when asked for', async () => {
  const args = ['admin', 'create', '--database-url', 'postgres://nobody@127.0.0.1:1/none'];
  const { code, stderr } = await run(args);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^bypass: [^\n]+\n$/);
  expect((await run(args, { BYPASS_LOG_LEVEL: 'debug' })).stderr).toMatch(/\n {4}at /);
  const wrong = await run(['dev', '--port', 'x']);
  expect(wrong).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^bypass: --port .*'x'\n$/) as string,
  });
});

test('SIGINT while waiting ends the wait with exit code 130', async () => {
  const child = start(['deploy', 'start', 'ubuntu', '--wait']);
  child.stderr.once('data', () => child.kill('SIGINT'));
  const { code, stderr } = await ended(child);
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: expect.stringContaining('nothing was cancelled') as string,
  });
});

test('a reader that closes the pipe early causes no error', async () => {
  const child = start(['api', 'listTemplates', 'templatefilter=all']);
  child.stdout.destroy();
  expect((await ended(child)).code).toBe(0);
});

test('output that cannot be written gives one line and exit code 1', async () => {
  const full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, [PROGRAM, 'completion', 'bash'], {
    stdio: ['ignore', full.fd, 'pipe'],
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  });
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  await full.close();
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^bypass: the output cannot be written \([^\n]+\)\n$/) as string,
  });
});
