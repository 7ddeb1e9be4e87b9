/** Where an image comes from, as a caller gives it: URL, checksum, headers and credentials. */
import { ChecksumSyntaxError, formatChecksum, parseChecksum } from '../model/checksum.ts';
import {
  HEADER_DETAIL,
  type Header,
  HeaderSyntaxError,
  isHeaderDetail,
  parseHeaderDetail,
} from '../model/headers.ts';
import type { Secrets } from '../model/source.ts';
import { parseImageUrl, splitCredentials, UrlSyntaxError } from '../model/url.ts';
import { sealAtRest } from '../trust/sealing.ts';
import type { CommandContext } from './command.ts';
import { badParameter } from './errors.ts';
import type { MapEntry } from './parameters.ts';

/** `{ALG}hex` as it is stored: with its algorithm, in lower case. */
export function readChecksum(checksum: string | undefined): string | undefined {
  if (checksum === undefined) return undefined;
  try {
    return formatChecksum(parseChecksum(checksum));
  } catch (error) {
    if (error instanceof ChecksumSyntaxError)
      throw badParameter('checksum', `is not right: ${error.message}.`);
    throw error;
  }
}

export interface Source {
  /** Without user name and password. */
  readonly url: string;
  /** `scheme://host:port`, the port left out where it is the usual one. */
  readonly origin: string;
  readonly username?: string;
  readonly password?: string;
}

export function readUrl(text: string): Source {
  try {
    const url = parseImageUrl(text);
    return { origin: url.origin, ...splitCredentials(url) };
  } catch (error) {
    if (error instanceof UrlSyntaxError) throw badParameter('url', `${error.message}.`, error);
    if (error instanceof URIError) {
      throw badParameter('url', 'has a user name or password that is not percent-encoded as URLs demand.');
    }
    throw error;
  }
}

export interface Details {
  readonly headers: readonly Header[];
  /** The others, which are no secret. */
  readonly plain: Readonly<Record<string, string>>;
}

/** Divides details into headers, which are secret, and the rest. */
export function readDetails(entries: readonly MapEntry[] = []): Details {
  const headers = new Map<string, Header>();
  const plain = new Map<string, string>();
  for (const { key, value } of entries) {
    const name = headerSpelling(key);
    if (isHeaderDetail(name)) {
      const header = readHeader(name, value);
      if (headers.has(header.name.toLowerCase()))
        throw badParameter('details', `names header ${header.name} twice.`);
      headers.set(header.name.toLowerCase(), header);
    } else {
      if (plain.has(key)) throw badParameter('details', `has ${key} twice.`);
      plain.set(key, value);
    }
  }
  return { headers: [...headers.values()], plain: Object.fromEntries(plain) };
}

/** Some clients lower-case names; a header in any spelling is a secret. */
const headerSpelling = (key: string): string => key.replace(/^http_header(?=:|$)/i, HEADER_DETAIL);

function readHeader(key: string, value: string): Header {
  try {
    return parseHeaderDetail(key, value);
  } catch (error) {
    if (error instanceof HeaderSyntaxError) throw badParameter('details', `are not right: ${error.message}.`);
    throw error;
  }
}

/** What only the source may see, sealed; nothing when there is no secret. */
export async function sealSecrets(
  { masterKey }: CommandContext,
  { origin, username, password }: Source,
  headers: readonly Header[],
): Promise<string | undefined> {
  if (headers.length === 0 && username === undefined) return undefined;
  // Schemes without headers have no origin to bind them to.
  if (origin === 'null')
    throw badParameter('details', 'give headers, but only http and https URLs take them.');
  const secrets: Secrets = {
    v: 1,
    origin,
    headers,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
  return sealAtRest(masterKey, secrets);
}
