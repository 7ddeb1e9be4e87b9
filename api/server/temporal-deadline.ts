/** Requests to Temporal that must not outlast the time in which the caller expects an answer (`answerBy`). */
import type { CommandContext } from './command.ts';
import { asApiError, TRY_AGAIN, unavailable } from './known-errors.ts';

const LATE = Symbol('late');

/** The result of the work, or `LATE` after `answerBy`. Late work goes on, and its errors are then ignored. */
async function race<T>({ answerBy }: CommandContext, work: Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), Math.max(0, answerBy - Date.now()));
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws ApiError 534 when Temporal does not answer in time */
export async function inTime<T>(context: CommandContext, work: Promise<T>): Promise<T> {
  const result = await race(context, work);
  if (result === LATE) throw unavailable('Temporal does not answer in time', TRY_AGAIN);
  return result;
}

/**
 * Begins the work of a job. When Temporal does not answer, the call succeeds all the same: the job is in the database,
 * and the upkeep begins its work later.
 */
export async function begin(context: CommandContext, work: Promise<unknown>): Promise<void> {
  const { log } = context;
  try {
    if ((await race(context, work)) === LATE) log.warn('a job is not begun yet; the upkeep will see to it');
  } catch (error) {
    if (asApiError(error) === undefined) throw error;
    log.warn({ err: error }, 'a job could not be begun; the upkeep will see to it');
  }
}
