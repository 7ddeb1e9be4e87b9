/** Starts all of Bypass in its own folder, as `npm start` or `npm run cluster` does. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from '../platform/installation.ts';
import type { Engine } from '../dev/engine.ts';
import type { ReadyFile } from '../dev/ready-file.ts';
import { stop } from './processes.ts';
import { CannotBench } from './watch.ts';

export interface Stack {
  readonly ready: ReadyFile;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly signal: AbortSignal;
  /** Default: Temporal's development server. */
  readonly engine?: Engine;
  /** Default: 1. */
  readonly hosts?: number;
  readonly settings?: NodeJS.ProcessEnv;
}

/** @throws CannotBench with the output when the stack does not start */
export async function startStack(
  folder: string,
  { signal, engine = 'development', hosts = 1, settings = {} }: StackOptions,
): Promise<Stack> {
  const readyFile = join(folder, 'ready.json');
  const where = ['--data-dir', join(folder, 'data'), '--port', '0', '--ready-file', readyFile];
  const args = ['dev', '--engine', engine, '--hosts', String(hosts), ...where];
  const env = { ...ownEnvironment(folder), ...settings };
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  }
  try {
    for (;;) {
      signal.throwIfAborted();
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new CannotBench(`Bypass does not start here:\n${said.trim()}`);
      }
      const text = await readFile(readyFile, 'utf8').catch(() => undefined);
      if (text !== undefined) return { ready: JSON.parse(text) as ReadyFile, stop: () => stop(child) };
      await sleep(200);
    }
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/** The environment without settings of other installations, such as the address of a Temporal server, and with a profile folder of its own. */
export function ownEnvironment(folder: string): NodeJS.ProcessEnv {
  const foreign = /^BYPASS_|^TEMPORAL_(?!CLI_PATH$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), XDG_CONFIG_HOME: join(folder, 'config') };
}
