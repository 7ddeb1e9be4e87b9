/** Programs that the bench runs, and what they cost. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchMemory } from './memory.ts';

export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

export interface Cost {
  readonly seconds: number;
  /** Processor seconds of the program and all that it ran, user and system. */
  readonly cpuSeconds: number;
  /** Largest resident sets of the program and all that it ran, added up. */
  readonly peakBytes: number;
}

/**
 * Runs a line of shell, its arguments being $1, $2 and so on.
 * @returns its output and cost
 * @throws Error with what it wrote when it fails
 */
export async function runShell(
  line: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Cost & { readonly output: string }> {
  // `times` tells on its last line what all that the shell waited for has used.
  const script = `{ ${line}; } || exit 1; times`;
  const begun = performance.now();
  const { output, peakBytes } = await runMeasured('sh', ['-c', script, 'sh', ...args], signal);
  const seconds = (performance.now() - begun) / 1000;
  const lines = output.trimEnd().split('\n');
  const cpuSeconds = parseTimes(lines.at(-1) ?? '');
  return { seconds, cpuSeconds, peakBytes, output: lines.slice(0, -2).join('\n') };
}

/** The sum of a line such as `0m1.250000s 0m0.5s`. */
export const parseTimes = (line: string): number =>
  [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );

/**
 * @returns what it wrote on its standard output
 * @throws Error with what it wrote when it fails; the signal's reason when it was ended by that
 */
export const runProgram = async (
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> => (await runMeasured(program, args, signal)).output;

/** As `runProgram`, with its memory. */
export async function runMeasured(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Pick<Cost, 'peakBytes'> & { readonly output: string }> {
  signal.throwIfAborted();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const memory = child.pid === undefined ? undefined : watchMemory(child.pid);
  const end = (): void => void child.kill();
  signal.addEventListener('abort', end);
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const [code, killedBy] = await closed.finally(() => {
    memory?.stop();
    signal.removeEventListener('abort', end);
  });
  signal.throwIfAborted();
  if (code === 0) return { output: said.stdout, peakBytes: memory?.stop() ?? 0 };
  throw new Error(`${program} ended with ${code ?? killedBy}: ${said.stderr.trim() || said.stdout.trim()}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a child accepts connections. @throws Error when it ends before, or takes too long */
export async function untilListening(child: ChildProcess, name: string, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} instead of serving`);
    if (await accepts(port)) return;
    await sleep(50);
  }
  throw new Error(`${name} does not accept connections on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', tell(true)).once('error', tell(false));
  });
}

/** Ends a child and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
