/** Runs programs for the bench, and measures their cost. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

export interface Cost {
  readonly seconds: number;
  /** CPU seconds (user and system) of the program and its children. */
  readonly cpuSeconds: number;
}

/**
 * Runs a line of shell with arguments $1, $2 and so on.
 * @returns its output and cost
 * @throws Error with its output when it fails
 */
export async function runShell(
  line: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Cost & { readonly output: string }> {
  // The last line of `times` is the CPU time of all children that the shell waited for.
  const script = `{ ${line}; } || exit 1; times`;
  const begun = performance.now();
  const output = await runProgram('sh', ['-c', script, 'sh', ...args], signal);
  const seconds = (performance.now() - begun) / 1000;
  const lines = output.trimEnd().split('\n');
  const cpuSeconds = parseTimes(lines.at(-1) ?? '');
  return { seconds, cpuSeconds, output: lines.slice(0, -2).join('\n') };
}

/** The sum of a line such as `0m1.250000s 0m0.5s`. */
export const parseTimes = (line: string): number =>
  [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );

/**
 * Runs a program.
 * @returns its standard output
 * @throws Error with its output when it fails; the signal's reason when aborted
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): void => void child.kill();
  signal.addEventListener('abort', end);
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const [code, killedBy] = await closed.finally(() => signal.removeEventListener('abort', end));
  signal.throwIfAborted();
  if (code === 0) return said.stdout;
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
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}

/** Ends a child and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
