/** Waiting for Temporal no longer than a caller waits for us. */
import type { CommandContext } from './command.ts';
import { explain, unavailable } from './explain.ts';

const LATE = Symbol('late');

/** What the work gives, or `LATE`. What it does after that, it does unwatched. */
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
  if (result === LATE)
    throw unavailable('Temporal does not answer in time; see whether it runs, and try again.');
  return result;
}

/**
 * Begins the work of a job. When Temporal is not there, the caller has his job all the same: it is in the database,
 * and the upkeep begins what it waits for from there.
 */
export async function begin(context: CommandContext, work: Promise<unknown>): Promise<void> {
  const { log } = context;
  try {
    if ((await race(context, work)) === LATE) log.warn('a job is not begun yet; the upkeep will see to it');
  } catch (error) {
    if (explain(error) === undefined) throw error;
    log.warn({ err: error }, 'a job could not be begun; the upkeep will see to it');
  }
}
