/** Runs client commands in this process, against an api and on a screen that keeps what was written. */
import { EventEmitter } from 'node:events';
import { readEnvironment } from '../../cli/environment.ts';
import { createProgram, runProgram } from '../../cli/program.ts';
import type { Cli } from '../../cli/surroundings.ts';
import type { ApiServer } from './api-server.ts';

/** A screen of a size; without one, a pipe. */
export class Screen extends EventEmitter {
  text = '';
  readonly isTTY: boolean;
  columns: number;
  rows: number;

  constructor(size?: { readonly columns: number; readonly rows: number }) {
    super();
    this.isTTY = size !== undefined;
    this.columns = size?.columns ?? 80;
    this.rows = size?.rows ?? 24;
  }

  write(text: string): void {
    this.text += text;
    this.emit('written', text);
  }
}

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Columns of the terminal; a pipe when absent. */
  readonly columns?: number;
  /** Is given a function that interrupts the command as Ctrl-C does. */
  readonly onStart?: (
    interrupt: () => void,
    screens: { readonly stdout: Screen; readonly stderr: Screen },
  ) => void;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param line what a person types after `bypass` */
export async function bypass(
  api: Pick<ApiServer, 'url' | 'apiKey' | 'secretKey'> | undefined,
  line: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const size = options.columns === undefined ? undefined : { columns: options.columns, rows: 24 };
  const stdout = new Screen(size);
  const stderr = new Screen(size);
  const listeners = new Set<() => void>();
  const access =
    api === undefined
      ? {}
      : { BYPASS_URL: api.url, BYPASS_API_KEY: api.apiKey, BYPASS_SECRET_KEY: api.secretKey };
  const cli: Cli = {
    environment: readEnvironment({
      HOME: '/nonexistent',
      TERM: 'xterm',
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
      ...access,
      ...options.environment,
    }),
    stdout,
    stderr,
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pollMs: 20,
  };
  options.onStart?.(() => listeners.forEach((listener) => listener()), { stdout, stderr });
  const code = await runProgram(createProgram(cli), line, cli);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
