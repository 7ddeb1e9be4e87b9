/** Calls of the API, as the session of this browser. */
import { apiCodes } from '../../model/api-codes.ts';

/** What is undefined or empty is left out; null is sent as an empty text, to take away what is there. */
export type Values = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What an error is about, as the api says it beside the sentence. */
interface Facts {
  readonly errorkind?: string;
  /** The parameter that is wrong. */
  readonly parameter?: string;
}

/** What the api refused, in its words, or that it cannot be reached. */
export class ApiFailure extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly code: number;
  readonly kind: string | undefined;
  readonly parameter: string | undefined;

  constructor(code: number, message: string, { errorkind, parameter }: Facts = {}) {
    super(message);
    this.code = code;
    this.kind = errorkind;
    this.parameter = parameter;
  }
}

const API = '/client/api';
const LOST = 'The api does not answer. What runs goes on without it; this page tries again by itself.';

/** The session is over. A command that one may not call is refused with the same code, and ends no session. */
export const isUnauthorized = (error: unknown): boolean =>
  error instanceof ApiFailure && error.code === apiCodes.unauthorized && error.kind !== 'NoSuchCommand';
/** There is nothing that the address names, or no more. */
export const isUnknown = (error: unknown): boolean =>
  error instanceof ApiFailure && error.kind === 'NoSuchEntity' && error.parameter === 'id';
export const isLost = (error: unknown): boolean => error instanceof ApiFailure && error.code === 0;

/** The parameter that a refusal is about. */
export const parameterOf = (refusal: Error): string | undefined =>
  refusal instanceof ApiFailure ? refusal.parameter : undefined;

/** The key of the session, which each call carries; the other half is in a cookie that scripts cannot read. */
export function sessionKey(): string | undefined {
  const pair = document.cookie.split('; ').find((one) => one.startsWith('sessionkey='));
  return pair?.slice('sessionkey='.length);
}

/**
 * @returns what stands in the wrapper of the answer
 * @throws ApiFailure
 */
export async function call<T>(command: string, values: Values = {}, signal?: AbortSignal): Promise<T> {
  const form = new URLSearchParams({ command, response: 'json' });
  const key = sessionKey();
  if (key !== undefined) form.set('sessionkey', key);
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') form.set(name, String(value ?? ''));
  }
  const response = await send(form, signal);
  const answer = await readAnswer(response);
  if (!response.ok) throw failureOf(response.status, answer);
  return answer as T;
}

interface Job<T> {
  readonly jobstatus: number;
  readonly jobresultcode?: number;
  readonly jobresult?: T & { readonly errortext?: string };
}

/** Milliseconds between looks at a job. */
const JOB_EVERY = 500;

/**
 * A command that answers a job.
 * @returns the result of the job, once it is done
 * @throws ApiFailure
 */
export async function callJob<T>(command: string, values: Values = {}): Promise<T> {
  const { jobid } = await call<{ readonly jobid: string }>(command, values);
  for (;;) {
    const {
      jobstatus,
      jobresultcode = apiCodes.internal,
      jobresult,
    } = await call<Job<T>>('queryAsyncJobResult', { jobid });
    if (jobstatus === 2) throw failureOf(jobresultcode, jobresult);
    if (jobstatus === 1) return jobresult as T;
    await new Promise((resolve) => void setTimeout(resolve, JOB_EVERY));
  }
}

async function send(form: URLSearchParams, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(API, {
      method: 'POST',
      body: form,
      credentials: 'same-origin',
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiFailure(0, LOST);
  }
}

/** A proxy before the api may answer with something else than JSON. */
async function readAnswer(response: Response): Promise<unknown> {
  try {
    return Object.values((await response.json()) as Record<string, unknown>)[0];
  } catch {
    throw new ApiFailure(0, LOST);
  }
}

interface ErrorAnswer extends Facts {
  readonly errortext?: string;
  /** The same as `errortext`, for people; absent where `errortext` is for people. */
  readonly reason?: string;
}

function failureOf(code: number, answer: unknown): ApiFailure {
  const error = (answer ?? {}) as ErrorAnswer;
  const sentence = error.reason ?? error.errortext;
  return new ApiFailure(code, sentence || 'The api refused without a reason.', error);
}
