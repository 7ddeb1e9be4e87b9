/**
 * Starts of workflows wait while the server does not know a search attribute that was made a moment ago: each frontend of a
 * cluster reads the list of attributes for itself, at times, and refuses what was not in it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowClientInterceptor } from '@temporalio/client';

/**
 * Server 1.32 reads the list once a minute. Nobody waits so long in one call: an activity ends after 30 s, and is tried again, and
 * a caller of the API is told to.
 */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 500;

export const awaitNewAttributes: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => whenKnown(() => next(input)),
  signalWithStart: (input, next) => whenKnown(() => next(input)),
  startUpdateWithStart: (input, next) => whenKnown(() => next(input)),
};

async function whenKnown<T>(start: () => Promise<T>): Promise<T> {
  for (const begun = performance.now(); ; await sleep(PAUSE_MS)) {
    try {
      return await start();
    } catch (error) {
      if (!isUnknownAttribute(error) || performance.now() - begun > PATIENCE_MS) throw error;
    }
  }
}

/** The text is that of the server, which has no code for it. */
function isUnknownAttribute(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; { cause } = cause)
    if (/no mapping defined for search attribute|search attribute .* is not defined/i.test(cause.message))
      return true;
  return false;
}
