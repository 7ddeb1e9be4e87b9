/** Whatever was thrown, as the caller is told it: never a stack, and nothing of the inside. */
import { ServiceError } from '@temporalio/client';
import { ApiError, errorCode } from './errors.ts';

/** PostgreSQL's classes of errors that say that it, or the way to it, is not there. */
const DATABASE_GONE = /^(?:08|53|57P|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)/;
const POOL_TIMEOUT = /^timeout exceeded when trying to connect$|^Connection terminated/;

/** @returns undefined for what nobody expected */
export function explain(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error instanceof ServiceError) {
    return unavailable('Temporal does not answer, or refuses; see whether it runs, and try again.', error);
  }
  const { code } = error as { readonly code?: unknown };
  if ((typeof code === 'string' && DATABASE_GONE.test(code)) || POOL_TIMEOUT.test(error.message)) {
    return unavailable('The database does not answer; see whether it runs, and try again.', error);
  }
  return undefined;
}

export const unavailable = (sentence: string, cause?: unknown): ApiError =>
  new ApiError(errorCode.unavailable, sentence, cause === undefined ? {} : { cause });

/** For the caller; what happened is in the log, under the same number. */
export const internalError = (requestId: string): ApiError =>
  new ApiError(
    errorCode.internal,
    `Something went wrong inside Bypass; the log of the api tells it, under request ${requestId}.`,
  );
