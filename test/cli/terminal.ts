/** Runs client commands in this process, against an api and on a screen that records its text. */
import { EventEmitter } from 'node:events';
import { readEnvironment } from '../../cli/environment.ts';
import { createProgram, runProgram } from '../../cli/program.ts';
import type { Cli } from '../../cli/context.ts';
import type { ApiServer } from './api-server.ts';

/** A terminal of a size; without a size, a pipe. */
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
  /** The person's answer to each question. Default: no terminal, so no questions. */
  readonly answer?: string;
  /** Columns of the terminal. Default: a pipe. */
  readonly columns?: number;
  /** Receives a function that interrupts the command as Ctrl-C does. */
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

const ask =
  (answer: string, stderr: Screen) =>
  (question: string): Promise<string> => {
    stderr.write(`${question}${answer}\n`);
    return Promise.resolve(answer);
  };

/** @param line the command line after `bypass` */
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
    ask: options.answer === undefined ? undefined : ask(options.answer, stderr),
  };
  options.onStart?.(() => listeners.forEach((listener) => listener()), { stdout, stderr });
  const code = await runProgram(createProgram(cli), line, cli);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
