/** A long-running child process: its log file, how it ended, and how to stop it. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { endProcess, identify } from './processes.ts';
import type { ProcessId } from './processes.ts';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Standard output and standard error are appended to this file. */
  readonly logFile: string;
  /** Starts the child in its own process group, so that Ctrl-C at the terminal does not reach the child. */
  readonly detached: boolean;
}

export interface Child {
  readonly id: ProcessId;
  /** Resolves when the process ends, with the end of a sentence about it: `ended with status 1`. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** Sends the signals in turn, and waits `graceMs` after each, until the process has ended. */
  stop(signals: readonly (readonly [signal: NodeJS.Signals, graceMs: number])[]): Promise<void>;
}

/** @throws Error when the program cannot be started */
export async function startChild({ command, args, logFile, ...options }: ChildOptions): Promise<Child> {
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, { ...options, stdio: ['ignore', log.fd, log.fd] });
    let over = false;
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        over = true;
        resolve(signal === null ? `ended with status ${code}` : `was ended by ${signal}`);
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    // The process may have ended already. Then its log says why, and `ended` resolves at once.
    const id = (await identify(child.pid as number)) ?? { pid: child.pid as number, startTicks: '' };
    return {
      id,
      ended,
      hasEnded: () => over,
      async stop(signals) {
        if (over) return;
        await endProcess(id, signals);
        await ended;
      },
    };
  } finally {
    await log.close();
  }
}

/** The last lines of a log file, for a message about a process that ended too early. */
export async function lastLines(logFile: string, count: number): Promise<string> {
  const file = await open(logFile, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 16_384);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-count).join('\n');
  } finally {
    await file.close();
  }
}
