/** Waiting for what the api does: patient with an api that restarts, and ended by Ctrl-C without cancelling anything. */
import { setTimeout as delay } from 'node:timers/promises';
import type { JobAnswer } from './answers.ts';
import type { ApiClient } from './client.ts';
import { Ended } from './command.ts';
import type { Session } from './command.ts';
import { exitCodes, UnreachableError } from './errors.ts';
import { createProgress } from './progress.ts';
import type { ProgressView } from './progress.ts';

/** How long an api that was there may be gone while something is waited for. */
const PATIENCE_MS = 120_000;
const FIRST_POLL_MS = 200;

export interface Wait {
  readonly signal: AbortSignal;
  readonly view: ProgressView;
  /** Asks again for as long as the api does not answer, within reason. */
  readonly ask: <T>(question: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Until it is time to look again: soon at first, then at the usual pace. */
  readonly pause: () => Promise<void>;
}

/**
 * @param meanwhile what goes on although nobody waits for it any more, and how to see or stop it
 * @throws Ended when it was interrupted
 */
export async function waitFor<T>(
  session: Session,
  meanwhile: string,
  work: (wait: Wait) => Promise<T>,
): Promise<T> {
  const { cli, out } = session;
  const interrupt = new AbortController();
  const forget = cli.onInterrupt(() => interrupt.abort());
  const view = createProgress(cli.stderr, out.style, cli.environment.redraws);
  try {
    return await work(createWait(session, interrupt.signal, view));
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    view.end();
    cli.stderr.write(`Stopped waiting; nothing was cancelled. ${meanwhile}\n`);
    throw new Ended(exitCodes.interrupted);
  } finally {
    view.end();
    forget();
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

export const isOver = ({ jobstatus }: JobAnswer): boolean => jobstatus !== 0;
export const hasFailed = ({ jobstatus }: JobAnswer): boolean => jobstatus === 2;

export const askJob = (api: ApiClient, jobid: string, signal?: AbortSignal): Promise<JobAnswer> =>
  api.call('queryAsyncJobResult', { jobid }, signal);

/** Why a job failed, as the api tells it. */
export const errorOf = ({ jobresult, jobresultcode, cmd }: JobAnswer): string =>
  jobresult?.errortext || `${cmd ?? 'the job'} failed with code ${jobresultcode ?? 530}`;

/** Waits for one job that has nothing to show on the way. */
export const waitForJob = (session: Session, jobid: string): Promise<JobAnswer> =>
  waitFor(session, `The job goes on: bypass job show ${jobid}`, async ({ ask, pause }) => {
    for (;;) {
      const job = await ask((signal) => askJob(session.api, jobid, signal));
      if (isOver(job)) return job;
      await pause();
    }
  });
