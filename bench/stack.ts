/** All of Bypass in a folder of its own, as `npm start` runs it: PostgreSQL, Temporal, control worker, api, one host. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from '../workers/dev/project.ts';
import type { ReadyFile } from '../workers/dev/ready-file.ts';
import { stop } from './processes.ts';
import { CannotBench } from './watch.ts';

export interface Stack {
  readonly ready: ReadyFile;
  stop(): Promise<void>;
}

/** @throws CannotBench with what it wrote when it does not come up */
export async function startStack(folder: string, signal: AbortSignal): Promise<Stack> {
  const readyFile = join(folder, 'ready.json');
  const args = ['dev', '--data-dir', join(folder, 'data'), '--port', '0', '--ready-file', readyFile];
  const env = ownEnvironment(folder);
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

/** Without settings of other installations, such as the address of a Temporal in use; and no profile of ours stays. */
function ownEnvironment(folder: string): NodeJS.ProcessEnv {
  const foreign = /^BYPASS_|^TEMPORAL_(?!CLI_PATH$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), XDG_CONFIG_HOME: join(folder, 'config') };
}
