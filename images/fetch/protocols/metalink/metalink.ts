/** Metalink documents: RFC 5854 (version 4) and version 3. Names of files in them are never used. */
import { SaxesParser } from 'saxes';
import type { SaxesTagNS } from 'saxes';
import {
  algorithmNamed,
  CHECKSUM_ALGORITHMS,
  formatChecksum,
  parseChecksum,
} from '../../../../model/checksum.ts';
import type { Checksum } from '../../../../model/checksum.ts';
import { ImageError } from '../../../../model/failures.ts';
import { enumerated } from '../../../../model/grammar.ts';
import { protocolOf, schemeOf, schemesOf } from '../../../../model/protocols.ts';
import type { Protocols } from '../../../../model/protocols.ts';
import { displayUrl, parseImageUrl } from '../../../../model/url.ts';
import { PieceLists } from './metalink-pieces.ts';
import type { PieceHashes } from '../../piece-hashes.ts';

/** Bytes of a document. */
export const METALINK_LIMIT = 10 * 1_048_576;
export const MAX_MIRRORS = 32;
const MAX_DEPTH = 16;
/** Of one element: each costs time for its namespace, and the event loop waits. */
const MAX_ATTRIBUTES = 100;
/**
 * Characters that start work in the parser: each costs some microseconds of the event loop. A file of 25 GB in pieces of
 * 256 KiB needs this many.
 */
const MAX_MARKS = 300_000;
const MARKS = new Set(Buffer.from('<&=\r\n'));
/** Named in a document, used or not. */
const MAX_NAMED = 1000;
const V4 = 'urn:ietf:params:xml:ns:metalink';
const LAST = 999_999;

export interface MetalinkMirror {
  readonly url: string;
  /** 1 is tried first, without gaps, whatever the document's version. */
  readonly priority: number;
  readonly location?: string;
}

export interface SkippedMirror extends MetalinkMirror {
  /** Why, as a sentence. */
  readonly reason: string;
  /** Of the URL policy. */
  readonly rule?: string;
}

export interface Metalink {
  readonly mirrors: readonly MetalinkMirror[];
  readonly skipped: readonly SkippedMirror[];
  /** 0 when the document gives none. */
  readonly size: number;
  /** `{ALG}hex` of the whole file: the strongest of those known. */
  readonly checksum?: string;
  /** All whole-file hashes of known algorithms. */
  readonly hashes: readonly Checksum[];
  /** What of the document cannot be used although the rest can, as sentences. */
  readonly remarks: readonly string[];
  /** Absent when the document gives none that fit its size. */
  readonly pieces?: PieceHashes;
}

/**
 * @param protocols that files are fetched by: mirrors of others are skipped
 * @throws ImageError MetalinkInvalid with a sentence that says what is wrong with the document
 */
export function parseMetalink(document: Buffer, protocols: Protocols): Metalink {
  if (document.length > METALINK_LIMIT) throw invalid(`is longer than ${METALINK_LIMIT} bytes`);
  refuseBusy(document);
  const reader = new MetalinkReader();
  const parser = new SaxesParser({ xmlns: true, position: false });
  parser.on('doctype', () => {
    throw invalid('has a DOCTYPE, which is not accepted');
  });
  parser.on('error', (error) => {
    throw new ImageError('MetalinkInvalid', 'the metalink is not well-formed XML', { cause: error });
  });
  let attributes = 0;
  parser.on('opentagstart', () => {
    attributes = 0;
  });
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > MAX_ATTRIBUTES)
      throw invalid(`has an element with more than ${MAX_ATTRIBUTES} attributes`);
  });
  parser.on('opentag', (tag) => reader.open(tag));
  parser.on('text', (text) => reader.text(text));
  parser.on('cdata', (text) => reader.text(text));
  parser.on('closetag', () => reader.close());
  parser.write(decode(document)).close();
  return reader.result(protocols);
}

function refuseBusy(document: Buffer): void {
  let marks = 0;
  for (const byte of document) if (MARKS.has(byte)) marks += 1;
  if (marks > MAX_MARKS)
    throw invalid(`has more than ${MAX_MARKS} tags, attributes, references and lines together`);
}

function decode(document: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(document);
  } catch {
    throw invalid('is not UTF-8');
  }
}

interface Element {
  readonly path: string;
  readonly attributes: ReadonlyMap<string, string>;
  text: string;
}

interface RawMirror {
  readonly url: string;
  readonly type: string;
  /** Ascending: the first is tried first. */
  readonly rank: number;
  readonly location: string;
}

/** Collects what the one file of a document says. Elements of other namespaces are passed over. */
class MetalinkReader {
  readonly #open: Element[] = [];
  #namespace: string | undefined;
  #files = 0;
  #size = 0;
  readonly #mirrors: RawMirror[] = [];
  readonly #hashes: Checksum[] = [];
  readonly #pieces = new PieceLists();

  open(tag: SaxesTagNS): void {
    if (this.#open.length >= MAX_DEPTH) throw invalid(`nests elements deeper than ${MAX_DEPTH}`);
    const parent = this.#open.at(-1)?.path ?? '';
    this.#namespace ??= tag.uri;
    const own = tag.uri === this.#namespace;
    const attributes = new Map(Object.values(tag.attributes).map(({ local, value }) => [local, value]));
    const element = { path: `${parent}/${own ? tag.local : '?'}`, attributes, text: '' };
    if (parent === '' && element.path !== '/metalink') throw invalid('is another kind of document');
    this.#open.push(element);
    if (fileOf(element.path) === '') this.#countFile();
    if (fileOf(element.path)?.endsWith('/pieces') === true) this.#pieces.start(element.attributes);
  }

  text(text: string): void {
    const element = this.#open.at(-1);
    if (element !== undefined) element.text += text;
  }

  close(): void {
    const element = this.#open.pop();
    if (element === undefined) return;
    const text = element.text.trim();
    switch (fileOf(element.path)) {
      case '/size':
        this.#size = wholeNumber('size', text, Number.MAX_SAFE_INTEGER);
        break;
      case '/url':
      case '/resources/url':
        this.#addMirror(this.#mirror(text, element.attributes));
        break;
      case '/metaurl':
        this.#addMirror({ ...this.#mirror(text, element.attributes), type: 'metaurl' });
        break;
      case '/hash':
      case '/verification/hash':
        this.#addHash(element.attributes.get('type') ?? '', text);
        break;
      case '/pieces/hash':
      case '/verification/pieces/hash':
        this.#pieces.add(text, element.attributes.get('piece'));
        break;
      default:
    }
  }

  result(protocols: Protocols): Metalink {
    if (this.#files === 0) throw invalid('names no file');
    const { mirrors, skipped } = sortMirrors(this.#mirrors, protocols);
    const hashes = this.#hashes.toSorted((a, b) => strength(b) - strength(a));
    const [strongest] = hashes;
    const pieces = this.#pieces.best(this.#size);
    const useless = pieces === undefined ? this.#pieces.whyNone(this.#size) : undefined;
    return {
      mirrors,
      skipped,
      size: this.#size,
      hashes,
      remarks: useless === undefined ? [] : [`the hashes of its pieces cannot be used: ${useless}`],
      ...(strongest === undefined ? {} : { checksum: formatChecksum(strongest) }),
      ...(pieces === undefined ? {} : { pieces }),
    };
  }

  #countFile(): void {
    this.#files += 1;
    if (this.#files > 1) throw invalid('names more than one file, so that it is not clear which is meant');
  }

  #addMirror(mirror: RawMirror): void {
    this.#mirrors.push(mirror);
    if (this.#mirrors.length > MAX_NAMED) throw invalid(`names more than ${MAX_NAMED} URLs`);
  }

  #mirror(url: string, attributes: ReadonlyMap<string, string>): RawMirror {
    const rank =
      this.#namespace === V4
        ? orderIn(attributes, 'priority', LAST)
        : LAST - orderIn(attributes, 'preference', 0);
    return { url, rank, type: attributes.get('type') ?? '', location: attributes.get('location') ?? '' };
  }

  #addHash(type: string, hex: string): void {
    const algorithm = algorithmNamed(type);
    if (algorithm === undefined) return;
    try {
      this.#hashes.push(parseChecksum(`{${algorithm}}${hex}`));
    } catch (error) {
      throw invalid(`has a wrong hash: ${(error as Error).message}`);
    }
    if (this.#hashes.length > MAX_NAMED) throw invalid(`has more than ${MAX_NAMED} hashes of the whole file`);
  }
}

/** Where below the document's file an element is; undefined when it is not within one. */
const fileOf = (path: string): string | undefined =>
  /^\/metalink(?:\/files)?\/file(?<rest>(?:\/.*)?)$/.exec(path)?.groups?.['rest'];

const strength = ({ algorithm }: Checksum): number => CHECKSUM_ALGORITHMS.indexOf(algorithm);

function wholeNumber(what: string, text: string, most: number): number {
  if (/^\d{1,16}$/.test(text) && Number(text) <= most) return Number(text);
  throw invalid(`has a ${what} '${printable(text)}' that is no whole number, or too great`);
}

/** 1 to 999999, as both versions bound it (version 3: to 100). */
function orderIn(attributes: ReadonlyMap<string, string>, name: string, missing: number): number {
  const text = attributes.get(name)?.trim();
  if (text === undefined) return missing;
  const order = wholeNumber(name, text, LAST);
  if (order === 0) throw invalid(`has a ${name} '0'; the least is 1`);
  return order;
}

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 40);

function sortMirrors(
  raw: readonly RawMirror[],
  protocols: Protocols,
): { mirrors: MetalinkMirror[]; skipped: SkippedMirror[] } {
  const mirrors: MetalinkMirror[] = [];
  const skipped: SkippedMirror[] = [];
  const seen = new Set<string>();
  for (const { url, type, location } of raw.toSorted((a, b) => a.rank - b.rank)) {
    if (seen.has(url)) continue;
    seen.add(url);
    const where = /^[A-Za-z]{2}$/.test(location) ? { location: location.toLowerCase() } : {};
    const mirror = { url, priority: mirrors.length + 1, ...where };
    const reason =
      whyUnusable(url, type, protocols) ?? (mirrors.length < MAX_MIRRORS ? undefined : ONE_TOO_MANY);
    if (reason === undefined) mirrors.push({ ...mirror, url: new URL(url).href });
    else if (skipped.length < MAX_MIRRORS)
      skipped.push({ ...mirror, url: displayUrl(url), reason, ...ruleOf(url, protocols) });
  }
  return { mirrors, skipped };
}

const ruleOf = (url: string, protocols: Protocols): Pick<SkippedMirror, 'rule'> =>
  URL.canParse(url) && protocolOf(protocols, schemeOf(new URL(url))) === undefined ? { rule: 'scheme' } : {};

const ONE_TOO_MANY = `is one too many: at most ${MAX_MIRRORS} mirrors are used`;

/** Why a mirror cannot be used, as a sentence; undefined when it can. */
function whyUnusable(url: string, type: string, protocols: Protocols): string | undefined {
  if (type.toLowerCase() === 'bittorrent' || /\.torrent$/i.test(url.split(/[?#]/, 1)[0] ?? '')) {
    return `is a BitTorrent file; only ${enumerated(schemesOf(protocols))} mirrors are used`;
  }
  if (type === 'metaurl') return 'is a link to another description, not to the file';
  try {
    const { username, password } = parseImageUrl(url, protocols);
    if (username !== '' || password !== '') return 'has a user name in it';
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

const invalid = (sentence: string): ImageError =>
  new ImageError('MetalinkInvalid', `the metalink ${sentence}`);
