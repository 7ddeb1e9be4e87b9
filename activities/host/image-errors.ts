/** Turns errors of jobs into failures that the workflow of the job understands. */
import { classifyError } from '../../images/classify-error.ts';
import type { ImageError } from '../../model/failures.ts';
import { activitySignal, applicationFailure } from '../context.ts';

type Jobs = Readonly<Record<string, (job: never) => Promise<unknown>>>;

/**
 * The same activities, whose errors cross the queue as failures with a kind. An aborted activity ends with the reason of
 * its signal instead.
 * @param onFailure gets the error with its causes, which do not cross the queue
 */
export function withImageErrors<A extends object>(
  onFailure: (activity: string, error: ImageError) => void,
  activities: A,
): A {
  const wrapped = Object.entries(activities as Jobs).map(([name, run]) => {
    const activity = async (job: never): Promise<unknown> => {
      const signal = activitySignal();
      try {
        return await run(job);
      } catch (error) {
        signal.throwIfAborted();
        const failure = classifyError(error);
        onFailure(name, failure);
        throw applicationFailure(failure.toFailure());
      }
    };
    return [name, activity];
  });
  return Object.fromEntries(wrapped) as A;
}
