/** Turns exceptions that are expected at times into errors for the caller, without stack or internals. */
import { ServiceError } from '@temporalio/client';
import { QueueFull } from '../../model/fair-queue.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { ApiError } from './errors.ts';

/** Error codes of PostgreSQL and of the network that mean: the database cannot be reached. */
const DATABASE_GONE = /^(?:08|53|57P|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)/;
const POOL_TIMEOUT = /^timeout exceeded when trying to connect$|^Connection terminated/;

/** Milliseconds in which a full queue usually empties. */
const BUSY_MS = 5000;

/** @returns undefined for an unexpected exception */
export function asApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error instanceof QueueFull) {
    const advice = 'try again in a few seconds';
    return new ApiError(apiCodes.limit, `Too many such calls are under way at the moment; ${advice}.`, {
      advice,
      retryAfterMs: BUSY_MS,
      cause: error,
    });
  }
  if (error instanceof ServiceError) {
    return unavailable('Temporal does not answer, or refuses', TRY_AGAIN, error);
  }
  const { code } = error as { readonly code?: unknown };
  if ((typeof code === 'string' && DATABASE_GONE.test(code)) || POOL_TIMEOUT.test(error.message)) {
    return unavailable('The database does not answer', TRY_AGAIN, error);
  }
  return undefined;
}

export const TRY_AGAIN = 'see whether it runs, and try again';

/** @param what happened, without a full stop  @param advice what the caller can do */
export const unavailable = (what: string, advice: string, cause?: unknown): ApiError =>
  new ApiError(apiCodes.unavailable, `${what}; ${advice}.`, { advice, cause });

/** The error that the caller sees for an unexpected exception. The log has the exception under the same request number. */
export const internalError = (requestId: string): ApiError =>
  new ApiError(
    apiCodes.internal,
    `Something went wrong inside Bypass; the log of the api tells it, under request ${requestId}.`,
  );
