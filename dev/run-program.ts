/** Runs a program to its end; after the time limit the program and its children are killed. */
import { spawn } from 'node:child_process';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** Kills the program when aborted; the outcome then has no exit code. */
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Text for standard input. Default: standard input is closed. */
  readonly input?: string;
}

/** @throws Error when the program cannot be started */
export function runProgram(
  command: string,
  args: readonly string[],
  { timeoutMs, input, signal, ...options }: RunOptions,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that its children can be killed with it.
    const child = spawn(command, args, { ...options, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    let timedOut = false;
    const kill = (): void => {
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    signal?.addEventListener('abort', kill, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
    };
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
    // A program that does not read its input closes the pipe, which is no error.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('close', (code) => {
      settle();
      resolve({ code, timedOut, stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

const text = (pieces: readonly Buffer[]): string => Buffer.concat(pieces).toString('utf8');

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The group has ended by itself.
  }
}
