/**
 * Waits for jobs of the api.
 *
 * A wait that shows progress polls: soon at first, then with growing pauses up to the usual pace (`pollMs`). One that shows none
 * lets the api answer when the job ends. While the api does not answer, the same question is repeated for `PATIENCE_MS`, since
 * the api may be restarting; a refusal is never repeated. Ctrl-C ends the wait with exit code 130 and cancels nothing: the job
 * goes on, and a message says how to see or stop it. However the wait ends, the progress is cleared and the listener for Ctrl-C
 * removed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { apiCodes } from '../model/api-codes.ts';
import { JOB_WAIT_SECONDS } from '../model/states.ts';
import type { AsyncJob } from '../model/api-answers.ts';
import type { ApiClient } from './client.ts';
import { Ended } from './command.ts';
import type { Session } from './command.ts';
import { CliError, exitCodes, UnreachableError } from './errors.ts';
import { createProgress } from './progress.ts';
import type { ProgressView } from './progress.ts';

/** How long the api may be unreachable during a wait. */
const PATIENCE_MS = 120_000;
const FIRST_POLL_MS = 200;

export interface Wait {
  readonly signal: AbortSignal;
  readonly view: ProgressView;
  /** Repeats a question while the api is unreachable, for at most `PATIENCE_MS`. */
  readonly ask: <T>(question: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Waits until the next poll: briefly at first, then at the usual pace. */
  readonly pause: () => Promise<void>;
}

/**
 * Runs `work`, which waits, until it ends or the user interrupts it.
 * @param meanwhile the sentence after an interrupt: what goes on, and how to see or stop it; undefined when nothing does
 * @throws Ended after an interrupt
 */
export async function waitFor<T>(
  session: Session,
  meanwhile: string | undefined,
  work: (wait: Wait) => Promise<T>,
): Promise<T> {
  const { cli, out } = session;
  const interrupt = new AbortController();
  const removeListener = cli.onInterrupt(() => interrupt.abort());
  const view = createProgress(cli.stderr, out.style, cli.environment.redraws);
  try {
    return await work(createWait(session, interrupt.signal, view));
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    view.end();
    if (meanwhile !== undefined) {
      cli.stderr.write(`Stopped waiting; nothing was cancelled. ${meanwhile}\n`);
    }
    throw new Ended(exitCodes.interrupted);
  } finally {
    view.end();
    removeListener();
  }
}

function createWait({ cli }: Session, signal: AbortSignal, view: ProgressView): Wait {
  let pauseMs = Math.min(FIRST_POLL_MS, cli.pollMs);
  const pause = async (): Promise<void> => {
    await delay(pauseMs, undefined, { signal });
    pauseMs = Math.min(cli.pollMs, pauseMs * 1.5);
  };
  const ask = async <T>(question: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    let failedSince: number | undefined;
    for (;;) {
      try {
        return await question(signal);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        if (failedSince === undefined) view.say(`The api does not answer (${error.reason}); trying again`);
        failedSince ??= Date.now();
        if (Date.now() - failedSince > PATIENCE_MS) throw error;
        await delay(cli.pollMs, undefined, { signal });
      }
    }
  };
  return { signal, view, ask, pause };
}

export const isOver = ({ jobstatus }: AsyncJob): boolean => jobstatus !== 0;
export const hasFailed = ({ jobstatus }: AsyncJob): boolean => jobstatus === 2;

export const askJob = (api: ApiClient, jobid: string, signal?: AbortSignal): Promise<AsyncJob> =>
  api.call('queryAsyncJobResult', { jobid }, signal);

/** The same; the api answers when the job ends, or after a few seconds. */
const askForEnd = (api: ApiClient, jobid: string, signal: AbortSignal): Promise<AsyncJob> =>
  api.call('queryAsyncJobResult', { jobid, wait: String(JOB_WAIT_SECONDS) }, signal);

/** The api's reason for the failure of a job. */
export const errorOf = ({ jobresult, jobresultcode, cmd }: AsyncJob): string =>
  jobresult?.errortext || `${cmd ?? 'the job'} failed with code ${jobresultcode ?? apiCodes.internal}`;

/** Waits for one job without showing progress. */
export const waitForJob = (session: Session, jobid: string): Promise<AsyncJob> =>
  waitFor(session, `The job goes on: bypass job show ${jobid}`, async ({ ask, pause }) => {
    for (;;) {
      const asked = Date.now();
      const job = await ask((signal) => askForEnd(session.api, jobid, signal));
      if (isOver(job)) return job;
      // An api that has too much to do answers at once.
      if (Date.now() - asked < session.cli.pollMs) await pause();
    }
  });

/**
 * The result of a call that answers at once in some cases and with a job in others; waits for the job.
 * @throws CliError with the reason when the job failed
 */
export async function settle(session: Session, answer: { readonly jobid?: string }): Promise<unknown> {
  if (answer.jobid === undefined) return answer;
  const job = await waitForJob(session, answer.jobid);
  if (hasFailed(job)) throw new CliError(errorOf(job));
  return job;
}
