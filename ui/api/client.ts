/** Calls of the API, as the session of this browser. */

export type Values = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the api refused, in its words, or that it cannot be reached. */
export class ApiFailure extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const API = '/client/api';
const LOST = 'The api does not answer. What runs goes on without it; this page tries again by itself.';

/** The session is over. A command that one may not call is refused with the same code, and ends no session. */
export const isUnauthorized = (error: unknown): boolean =>
  error instanceof ApiFailure && error.code === 401 && !error.message.startsWith('The given command');
export const isLost = (error: unknown): boolean => error instanceof ApiFailure && error.code === 0;

/** The parameter that a refusal is about, in small letters: the API names it first. */
export const parameterOf = (refusal: { readonly message: string } | null | undefined): string | undefined =>
  /\bparameter '?(\w+)/i.exec(refusal?.message ?? '')?.[1]?.toLowerCase();

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
    if (value !== undefined && value !== '') form.set(name, String(value));
  }
  const response = await send(form, signal);
  const answer = await readAnswer(response);
  if (!response.ok) throw new ApiFailure(response.status, sentenceOf(answer));
  return answer as T;
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

function sentenceOf(answer: unknown): string {
  const { errortext } = (answer ?? {}) as { readonly errortext?: unknown };
  return typeof errortext === 'string' && errortext !== '' ? errortext : 'The api refused without a reason.';
}
