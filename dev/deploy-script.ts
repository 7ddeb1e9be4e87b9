/** Runs the scripts of deploy/, which docker-compose.yml runs in containers, on this machine. */
import { join } from 'node:path';
import { PROJECT_ROOT } from '../platform/installation.ts';
import { runProgram } from './run-program.ts';

export interface DeployScript {
  readonly name: string;
  /** Without the rest of the environment, but for HOME. */
  readonly env: NodeJS.ProcessEnv;
  /** Folders of the programs that the script calls, before those of PATH. */
  readonly programs?: readonly string[];
  readonly signal: AbortSignal;
}

export const deployFile = (name: string): string => join(PROJECT_ROOT, 'deploy', name);

const TIMEOUT_MS = 180_000;

/** @throws Error with the end of the script's output; the signal's reason when aborted */
export async function runDeployScript({ name, env, programs = [], signal }: DeployScript): Promise<void> {
  const { PATH: searchPath = '', HOME: home } = process.env;
  const outcome = await runProgram('/bin/sh', [deployFile(name)], {
    timeoutMs: TIMEOUT_MS,
    signal,
    env: { ...env, HOME: home, PATH: [...programs, searchPath].join(':') },
  });
  signal.throwIfAborted();
  if (outcome.code === 0) return;
  const output = `${outcome.stdout}\n${outcome.stderr}`.trim().split('\n').slice(-8).join('\n');
  const how = outcome.timedOut ? `did not end within ${TIMEOUT_MS / 1000} s` : `ended with ${outcome.code}`;
  throw new Error(`deploy/${name} ${how}:\n${output}`);
}
