/** Which errors of control activities are final. Temporal retries all others until they pass. */
import { ApplicationFailure } from '@temporalio/common';
import { NotPossible } from '../../db/errors.ts';
import { ImageError } from '../../model/failures.ts';
import { NOT_POSSIBLE } from '../../model/names.ts';
import { applicationFailure } from '../context.ts';

/** SQLSTATE classes "data exception" and "program limit exceeded": the input is wrong or too large, and stays so. */
const FINAL_SQLSTATE = /^(?:22|54)/;

type AnyActivities = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** The same activities, whose final errors are not retried, and reach the workflow as a sentence. */
export function withFinalErrors<A extends object>(activities: A): A {
  const wrapped = Object.entries(activities as AnyActivities).map(([name, run]) => {
    const activity = async (...args: never[]): Promise<unknown> => {
      try {
        return await run(...args);
      } catch (error) {
        throw finalFailure(error) ?? error;
      }
    };
    return [name, activity];
  });
  return Object.fromEntries(wrapped) as A;
}

/** Whether an error stays, however often the activity is tried. */
export const isFinal = (error: unknown): boolean => finalFailure(error) !== undefined;

function finalFailure(error: unknown): ApplicationFailure | undefined {
  if (error instanceof NotPossible) return ApplicationFailure.nonRetryable(error.message, NOT_POSSIBLE);
  if (error instanceof ImageError) return applicationFailure(error.toFailure());
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  if (typeof code !== 'string' || !FINAL_SQLSTATE.test(code)) return undefined;
  return ApplicationFailure.nonRetryable(`The database refuses the input: ${message}`, NOT_POSSIBLE);
}
