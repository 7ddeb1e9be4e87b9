/** The process around a command: its environment, its streams, its signals. Tests give their own. */
import { readEnvironment } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import type { Screen } from './output.ts';

export interface Cli {
  readonly environment: CliEnvironment;
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** Calls back at the first Ctrl-C (or SIGTERM); a second one ends the process. @returns what ends that */
  onInterrupt(listener: () => void): () => void;
  /** Milliseconds between two looks at what is waited for; the first ones come sooner. */
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
  pollMs: POLL_MS,
});
