import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../../dev/child-process.ts';
import type { Child } from '../../dev/child-process.ts';
import { endLeftovers, marks, stages } from '../../dev/leftovers.ts';
import type { Stage } from '../../dev/leftovers.ts';
import { AlreadyRunning, lockFolder } from '../../dev/folder-lock.ts';
import { planOf } from '../../dev/plan.ts';
import { choosePorts } from '../../dev/port-choice.ts';
import { freePorts, problemOfPort } from '../../dev/ports.ts';
import { identify, isAlive, signalProcess, waitUntilGone } from '../../dev/processes.ts';
import type { ProcessId } from '../../dev/processes.ts';
import { runProgram } from '../../dev/run-program.ts';
import { createSupervisor } from '../../dev/supervisor.ts';
import type { Running, Service, Supervisor } from '../../dev/supervisor.ts';
import { readSettings } from '../../workers/settings.ts';
import type { Flags } from '../../workers/settings.ts';
import { until } from '../support/until.ts';

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-processes-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

const STAYS = 'setInterval(() => {}, 1000)';
const STUBBORN = `process.on('SIGTERM', () => {}); ${STAYS}; console.log('up')`;

/** Starts a process of this test. @returns its pid and start time */
async function run(script: string, env: NodeJS.ProcessEnv = process.env): Promise<ProcessId> {
  const child = spawn(process.execPath, ['-e', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child, 'spawn');
  if (script.includes('console.log')) await once(child.stdout, 'data');
  return (await identify(child.pid as number)) as ProcessId;
}

describe('a process', () => {
  test('is identified by its pid and start time', async () => {
    const own = (await identify(process.pid)) as ProcessId;
    expect(await isAlive(own)).toBe(true);
    const other = { ...own, startTicks: '1' };
    expect(await isAlive(other)).toBe(false);
    expect(await signalProcess(other, 'SIGKILL')).toBe(false);
  });

  test('counts as gone when it has ended, even before its parent has waited for it', async () => {
    const id = await run('process.exit(0)');
    expect(await waitUntilGone(id, 10_000)).toBe(true);
  });
});

describe('a program that is run to its end', () => {
  test('takes input and returns both outputs', async () => {
    const script = `process.stdin.pipe(process.stdout); console.error('to stderr'); process.exitCode = 3`;
    expect(await runProgram(process.execPath, ['-e', script], { timeoutMs: 20_000, input: 'given' })).toEqual(
      { code: 3, stdout: 'given', stderr: 'to stderr\n', timedOut: false },
    );
  });

  test('is killed with its children when it takes too long', async () => {
    const child = `require('child_process').spawn(process.execPath, ['-e', '${STAYS}'], { stdio: 'inherit' })`;
    const outcome = await runProgram(process.execPath, ['-e', `${child}; ${STAYS}`], { timeoutMs: 500 });
    // The call resolves when no process holds the output any more, so the child has ended too.
    expect(outcome).toMatchObject({ code: null, timedOut: true });
  });
});

describe('the lock of a folder', () => {
  test('belongs to one living process, whatever files dead ones left', async () => {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().replaceAll('-', '');
    await writeFile(join(folder, `${process.pid}-1-${boot}`), '');
    await writeFile(join(folder, 'anything'), '');
    const lock = await lockFolder(folder);
    expect(await readdir(folder)).toHaveLength(1);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);

    const { pid, startTicks } = await run(STAYS);
    await writeFile(join(folder, `${pid}-${startTicks}-${boot}`), '');
    await expect(lockFolder(folder)).rejects.toThrow(AlreadyRunning);
    await expect(lockFolder(folder)).rejects.toMatchObject({ pid });
    children[0]?.kill('SIGKILL');
    await until('the holder is gone', async () => !(await isAlive({ pid, startTicks })));
    await (await lockFolder(folder)).release();
  });

  test('of another boot of the machine is free', async () => {
    const { pid, startTicks } = (await identify(process.ppid)) as ProcessId;
    await writeFile(join(folder, `${pid}-${startTicks}-0123`), '');
    await (await lockFolder(folder)).release();
  });
});

const mark = (root: string, stage: Stage): NodeJS.ProcessEnv => ({ ...process.env, ...marks(root, stage) });

describe('leftovers of an earlier start', () => {
  test('are found by their folder and ended; processes of other folders stay', async () => {
    const other = join(folder, 'other');
    await mkdir(other);
    const ours = await Promise.all([
      run(STAYS, mark(folder, stages.host)),
      run(STAYS, mark(folder, stages.temporal)),
    ]);
    const foreign = await run(STAYS, mark(other, stages.host));
    expect(await endLeftovers({ root: folder, postgresData: join(folder, 'none') })).toBe(2);
    expect(await Promise.all(ours.map(isAlive))).toEqual([false, false]);
    expect(await isAlive(foreign)).toBe(true);
    expect(await endLeftovers({ root: folder, postgresData: join(folder, 'none') })).toBe(0);
  });
});

const service = (name: string, stage: Stage, script: string): Service => ({
  name,
  stage,
  logFile: join(folder, `${name}.log`),
  async start(): Promise<Running> {
    const child = await startChild({
      command: process.execPath,
      args: ['-e', script],
      env: process.env,
      logFile: join(folder, `${name}.log`),
      detached: true,
    });
    return {
      child,
      stop: () =>
        child.stop([
          ['SIGTERM', 10_000],
          ['SIGKILL', 5000],
        ]),
    };
  },
});

const open = (lines: string[] = [], onRestart = (): void => undefined): Supervisor =>
  createSupervisor({ print: (line) => void lines.push(line), onRestart, pauses: { first: 10, longest: 50 } });

describe('the supervisor', () => {
  test('starts a service again that ends by itself, and prints that it did', async () => {
    const lines: string[] = [];
    let restarts = 0;
    const supervisor = open(lines, () => (restarts += 1));
    const kept = service('kept', stages.api, STAYS);
    const first = await supervisor.start(kept);
    process.kill(first.child.id.pid, 'SIGKILL');
    await until('it runs again', () => restarts === 1);
    const pid = supervisor.pid(kept);
    expect(pid).not.toBe(first.child.id.pid);
    expect(lines).toEqual([expect.stringContaining('kept was ended by SIGKILL'), 'kept runs again']);
    await supervisor.stop();
    expect(supervisor.pid(kept)).toBe(0);
    expect(await identify(pid)).toBeUndefined();
  });

  test('reports a service that does not stay up', async () => {
    const supervisor = open();
    const failing = service('failing', stages.api, 'process.exit(1)');
    await supervisor.start(failing);
    await until('it has failed three times', () => supervisor.failing(3) === failing);
    await supervisor.stop();
  });

  test('forgets the failures of a service that runs for a while', async () => {
    let restarts = 0;
    const supervisor = createSupervisor({
      print: () => undefined,
      onRestart: () => (restarts += 1),
      pauses: { first: 10, longest: 50, forget: 50 },
    });
    const inner = service('kept', stages.api, STAYS);
    let broken = false;
    const kept: Service = {
      ...inner,
      start: () => (broken ? Promise.reject(new Error('broken')) : inner.start()),
    };
    const first = await supervisor.start(kept);
    broken = true;
    process.kill(first.child.id.pid, 'SIGKILL');
    await until('it has failed five times', () => supervisor.failing(5) === kept);
    broken = false;
    await until('it runs again', () => restarts === 1);
    const since = performance.now();
    await until('it has run for a while', () => performance.now() - since > 500);
    process.kill(supervisor.pid(kept), 'SIGKILL');
    await until('it runs again', () => restarts === 2);
    expect(supervisor.failing(2)).toBeUndefined();
    await supervisor.stop();
  });

  test('ends services in the order of their stages, also one that is just starting', async () => {
    const supervisor = open();
    const order: string[] = [];
    const noting = (inner: Service): Service => ({
      ...inner,
      async start() {
        const running = await inner.start();
        void running.child.ended.then(() => order.push(inner.name));
        return running;
      },
    });
    await supervisor.start(noting(service('postgres', stages.postgres, STAYS)));
    await supervisor.start(noting(service('host', stages.host, STAYS)));
    const slow = supervisor.start(noting(service('control', stages.control, STAYS)));
    await supervisor.stop();
    await slow;
    expect(order).toEqual(['host', 'control', 'postgres']);
    await expect(supervisor.start(service('late', stages.api, STAYS))).rejects.toThrow('aborted');
  });

  test('kills a process that ignores SIGTERM', async () => {
    const log = join(folder, 'stubborn.log');
    const child: Child = await startChild({
      command: process.execPath,
      args: ['-e', STUBBORN],
      env: process.env,
      logFile: log,
      detached: false,
    });
    await until('it listens', async () => (await readFile(log, 'utf8')) !== '');
    await child.stop([
      ['SIGTERM', 100],
      ['SIGKILL', 10_000],
    ]);
    expect(child.hasEnded()).toBe(true);
    expect(await child.ended).toBe('was ended by SIGKILL');
  });
});

const chosenUiPort = async (flags: Flags): Promise<number> =>
  (await choosePorts(planOf(readSettings({ apiPort: '0', ...flags }, {})))).ports.temporalUi;

describe('ports', () => {
  test('are different and free, and a taken port is reported', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await problemOfPort(port)).toBe('is taken by another program');
    server.close();
    await once(server, 'close');
    expect(await problemOfPort(port)).toBeUndefined();
  });

  test("Temporal's Web UI has a free one, which no foreign page knows, unless a setting names one", async () => {
    expect(planOf(readSettings({}, {})).ports.temporalUi).toBe(0);
    expect(await chosenUiPort({})).toBeGreaterThan(0);
    const [port] = await freePorts(1);
    expect(await chosenUiPort({ temporalUiPort: String(port) })).toBe(port);
  });
});
