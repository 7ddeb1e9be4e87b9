/** Signed calls to the api, and its errors as one line that says what to do. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { encodeValue, textToSign } from '../model/api-signature.ts';
import { ApiError, CliError, UnreachableError } from './errors.ts';
import { createExchange } from './exchange.ts';
import type { Answer } from './exchange.ts';
import { inPlainWords } from './plain-words.ts';
import type { Access } from './profiles.ts';

/** What is not given is left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiClient {
  readonly url: string;
  /** @returns what stands inside the answer's wrapper */
  call<T>(command: string, parameters?: Parameters, signal?: AbortSignal): Promise<T>;
  /** All pages of a list. */
  list<T>(command: string, key: string, parameters?: Parameters, signal?: AbortSignal): Promise<readonly T[]>;
}

const TIMEOUT_MS = 60_000;
const PAGE_SIZE = 500;
/** How long a signed request is good for, so that one that was overheard is of no use later. */
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

/** The body of a request: everything in a form, so that no secret stands in a URL that a proxy might log. */
export function signedForm(command: string, parameters: Parameters, keys: Access, now: number): string {
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

interface Inner {
  readonly errorcode?: number;
  readonly errortext?: string;
}

/** @throws ApiError for an error of the api, CliError for an answer that is none of an api's */
function unwrap({ status, body, contentType }: Answer, access: Access): unknown {
  const inner = parse(body);
  if (status === 401) throw new ApiError(401, refusedKeys(inner, access));
  if (inner?.errorcode !== undefined && status !== 200) {
    const text = inner.errortext || `the api refused with code ${inner.errorcode}`;
    throw new ApiError(inner.errorcode, inPlainWords(text));
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

/** What stands inside the one wrapper, or nothing when the text is no answer of an api. */
function parse(body: string): Inner | undefined {
  try {
    const wrapped = JSON.parse(body) as Readonly<Record<string, Inner | null>> | null;
    const inner = Object.values(wrapped ?? {})[0];
    return typeof inner === 'object' && inner !== null ? inner : undefined;
  } catch {
    return undefined;
  }
}

/** The same code says that the keys are wrong and that they do not allow the command. */
function refusedKeys(inner: Inner | undefined, { url, origin, keysOrigin = origin }: Access): string {
  const text = inner?.errortext ?? 'unable to verify user credentials and/or request signature';
  return /credentials|signature/i.test(text)
    ? `the api at ${url} does not accept the keys from ${keysOrigin}: check them and this machine's clock (${text})`
    : inPlainWords(text);
}
