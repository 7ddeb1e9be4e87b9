/** Signed calls to the api, and its errors as one line that says what to do. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { apiCodes } from '../model/api-codes.ts';
import { encodeValue, textToSign } from '../model/api-signature.ts';
import { ifUnderstood, message, read, readJson, text } from '../model/messages/schema.ts';
import { ApiError, CliError, UnreachableError } from './errors.ts';
import { createExchange } from './exchange.ts';
import type { HttpAnswer } from './exchange.ts';
import type { Access } from './profiles.ts';

/** Parameters of a call; undefined ones are not sent. */
export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiClient {
  readonly url: string;
  /** @returns the content of the answer's wrapper */
  call<T>(command: string, parameters?: Parameters, signal?: AbortSignal): Promise<T>;
  /** Reads all pages of a list. */
  list<T>(command: string, key: string, parameters?: Parameters, signal?: AbortSignal): Promise<readonly T[]>;
}

const TIMEOUT_MS = 60_000;
const PAGE_SIZE = 500;
/** How long a signed request is valid, so that a captured one cannot be replayed later. */
const VALID_MS = 10 * 60_000;

export function createClient(access: Access, timeoutMs = TIMEOUT_MS): ApiClient {
  const exchange = createExchange(access.url, timeoutMs, readAuthorities(access.caFile));

  const call = async <T>(command: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<T> => {
    const form = signedForm(command, parameters, access, Date.now());
    const answer = await exchange(form, signal).catch((error: unknown) => {
      if (signal?.aborted === true) throw signal.reason;
      throw unreachable(error as Error, access, timeoutMs);
    });
    return unwrap(answer, access) as T;
  };

  return {
    url: access.url,
    call,
    async list<T>(command: string, key: string, parameters: Parameters = {}, signal?: AbortSignal) {
      const rows: T[] = [];
      for (let page = 1; ; page += 1) {
        const paging = { page, pagesize: PAGE_SIZE };
        const answer = await call<Record<string, unknown>>(command, { ...parameters, ...paging }, signal);
        const found = (answer[key] ?? []) as readonly T[];
        rows.push(...found);
        if (found.length < PAGE_SIZE || rows.length >= Number(answer['count'])) return rows;
      }
    },
  };
}

/** The body of a request: all parameters as a form, since a proxy might log secrets in a URL. */
function signedForm(command: string, parameters: Parameters, keys: Access, now: number): string {
  const expires = `${new Date(now + VALID_MS).toISOString().slice(0, 19)}+0000`;
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const pairs: [string, string][] = [
    ['command', command],
    ...given.map(([name, value]): [string, string] => [name, String(value)]),
    ['apiKey', keys.apiKey],
    ['response', 'json'],
    ['signatureVersion', '3'],
    ['expires', expires],
  ];
  const signature = createHmac('sha1', keys.secretKey).update(textToSign(pairs)).digest('base64');
  return [...pairs, ['signature', signature] as const]
    .map(([name, value]) => `${encodeValue(name)}=${encodeValue(value)}`)
    .join('&');
}

function readAuthorities(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`the authorities in ${file} cannot be read (${(error as Error).message})`);
  }
}

const UNTRUSTED =
  'its certificate is of no authority that is trusted here: name the file of that with BYPASS_CA_FILE';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name cannot be resolved now',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ETIMEDOUT: 'no answer',
  EPROTO: 'it does not speak TLS as it should: is it http after all?',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function unreachable(error: NodeJS.ErrnoException, { url, origin }: Access, timeoutMs: number): CliError {
  const late = error.name === 'TimeoutError' ? `no answer within ${timeoutMs / 1000} s` : undefined;
  const reason = late ?? REASONS[error.code ?? ''] ?? (error.message || error.code || 'no answer');
  return new UnreachableError(
    `cannot reach the api at ${url} (${reason}); the URL is from ${origin}: ` +
      'start it there (`npm start`), or name another with BYPASS_URL or --profile',
    reason,
  );
}

interface Refusal {
  readonly errorcode?: number;
  readonly errortext?: string;
  readonly errorkind?: string;
  /** The same as `errortext`, for people; absent where `errortext` is for people. */
  readonly reason?: string;
}

const refusal = message<Refusal>({
  errorcode: ifUnderstood(z.number()),
  errortext: ifUnderstood(text()),
  errorkind: ifUnderstood(text()),
  reason: ifUnderstood(text()),
});

const jsonObject = z.record(z.string(), z.unknown());

/** @throws ApiError for an error of the api, CliError for an answer that does not come from an api */
function unwrap({ status, body, contentType }: HttpAnswer, access: Access): unknown {
  const inner = innerOf(body);
  const refused = read(refusal, inner).value ?? {};
  const { errorcode, errortext, errorkind, reason } = refused;
  if (status === apiCodes.unauthorized) throw new ApiError(status, refusedKeys(refused, access), errorkind);
  if (errorcode !== undefined && status !== 200) {
    const sentence = errortext || `the api refused with code ${errorcode}`;
    throw new ApiError(errorcode, reason ?? sentence, errorkind);
  }
  if (status === 200 && inner !== undefined) return inner;
  if (status >= 500) {
    throw new UnreachableError(
      `${access.url} (from ${access.origin}) answers HTTP ${status}: see its log, then try again`,
      `HTTP ${status}`,
    );
  }
  const what = contentType === '' ? `HTTP ${status}` : `HTTP ${status}, ${contentType.split(';')[0]}`;
  throw new CliError(
    `${access.url} (from ${access.origin}) is not Bypass's api (it answers ${what}): ` +
      'give the URL that ends in /client/api with BYPASS_URL or --profile',
  );
}

/** The object inside the one wrapper; undefined when the body is no answer of an API. */
function innerOf(body: string): Readonly<Record<string, unknown>> | undefined {
  const [inner] = Object.values(readJson(jsonObject, body).value ?? {});
  return read(jsonObject, inner).value;
}

/** Distinguishes wrong keys from a forbidden command: CloudStack has one code for both. */
function refusedKeys(refused: Refusal, { url, origin, keysOrigin = origin }: Access): string {
  const {
    errortext = 'unable to verify user credentials and/or request signature',
    errorkind,
    reason = errortext,
  } = refused;
  return errorkind === 'NoSuchCommand'
    ? reason
    : `the api at ${url} does not accept the keys from ${keysOrigin}: check them and this machine's clock (${errortext})`;
}
