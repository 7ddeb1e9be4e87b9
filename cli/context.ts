/** What a command uses of its process: environment, streams, signals. Tests pass substitutes. */
import { createInterface } from 'node:readline/promises';
import { readEnvironment } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import type { Screen } from './output.ts';

export interface Cli {
  readonly environment: CliEnvironment;
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** Calls back at the first Ctrl-C (or SIGTERM); a second one ends the process. @returns removes the listener */
  onInterrupt(listener: () => void): () => void;
  /** Asks the person at the terminal; undefined without a terminal. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Milliseconds between two polls of a job; the first polls come sooner. */
  readonly pollMs: number;
}

const POLL_MS = 1000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export const cliOf = (own: NodeJS.Process): Cli => ({
  environment: readEnvironment(own.env),
  stdout: own.stdout,
  stderr: own.stderr,
  onInterrupt(listener) {
    for (const signal of SIGNALS) own.once(signal, listener);
    return () => {
      for (const signal of SIGNALS) own.off(signal, listener);
    };
  },
  ask: own.stdin.isTTY && own.stderr.isTTY ? (question) => askOn(own, question) : undefined,
  pollMs: POLL_MS,
});

async function askOn({ stdin, stderr }: NodeJS.Process, question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
