/** Metalink documents: RFC 5854 (version 4) and version 3. Names of files in them are never used. */
import { SaxesParser } from 'saxes';
import type { SaxesTagNS } from 'saxes';
import {
  algorithmFromMetalink,
  CHECKSUM_ALGORITHMS,
  formatChecksum,
  parseChecksum,
} from '../../model/checksum.ts';
import type { Checksum } from '../../model/checksum.ts';
import { ImageError } from '../../model/failures.ts';
import { SCHEMES } from '../../model/url-policy.ts';
import { displayUrl, parseImageUrl } from '../../model/url.ts';
import { PieceLists } from './metalink-pieces.ts';
import type { MetalinkPieces } from './metalink-pieces.ts';

/** Bytes of a document. */
export const METALINK_LIMIT = 10 * 1_048_576;
export const MAX_MIRRORS = 32;
const MAX_DEPTH = 16;
/** Of one element: each costs time for its namespace, and the event loop waits. */
const MAX_ATTRIBUTES = 100;
/**
 * Characters at which a parser stops to think; each costs some microseconds, and the event loop waits. The pieces of a
 * file of 25 GB need so many when a piece is 256 KiB.
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
  /** Absent when the document gives none that fit its size. */
  readonly pieces?: MetalinkPieces;
}

/** @throws ImageError MetalinkInvalid with a sentence that says what is wrong with the document. */
export function parseMetalink(document: Buffer): Metalink {
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
  return reader.result();
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
        this.#size = /^\d{1,15}$/.test(text) ? Number(text) : 0;
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

  result(): Metalink {
    if (this.#files === 0) throw invalid('names no file');
    const { mirrors, skipped } = sortMirrors(this.#mirrors);
    const hashes = this.#hashes.toSorted((a, b) => strength(b) - strength(a));
    const [strongest] = hashes;
    const pieces = this.#pieces.best(this.#size);
    return {
      mirrors,
      skipped,
      size: this.#size,
      hashes,
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
        ? (wholeNumber(attributes.get('priority')) ?? LAST)
        : LAST - (wholeNumber(attributes.get('preference')) ?? 0);
    return { url, rank, type: attributes.get('type') ?? '', location: attributes.get('location') ?? '' };
  }

  #addHash(type: string, hex: string): void {
    const algorithm = algorithmFromMetalink(type);
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

/** 1 to 999999 as both versions bound it (version 3: to 100); anything else counts as missing. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Math.min(Number(text), LAST) : undefined;
}

function sortMirrors(raw: readonly RawMirror[]): { mirrors: MetalinkMirror[]; skipped: SkippedMirror[] } {
  const mirrors: MetalinkMirror[] = [];
  const skipped: SkippedMirror[] = [];
  const seen = new Set<string>();
  for (const { url, type, location } of raw.toSorted((a, b) => a.rank - b.rank)) {
    if (seen.has(url)) continue;
    seen.add(url);
    const where = /^[A-Za-z]{2}$/.test(location) ? { location: location.toLowerCase() } : {};
    const mirror = { url, priority: mirrors.length + 1, ...where };
    const reason = unusable(url, type, mirrors.length);
    if (reason === undefined) mirrors.push({ ...mirror, url: new URL(url).href });
    else if (skipped.length < MAX_MIRRORS)
      skipped.push({ ...mirror, url: displayUrl(url), reason, ...ruleOf(url) });
  }
  return { mirrors, skipped };
}

const ruleOf = (url: string): Pick<SkippedMirror, 'rule'> =>
  URL.canParse(url) && !SCHEMES.includes(new URL(url).protocol.slice(0, -1)) ? { rule: 'scheme' } : {};

function unusable(url: string, type: string, taken: number): string | undefined {
  if (type.toLowerCase() === 'bittorrent' || /\.torrent$/i.test(url.split(/[?#]/, 1)[0] ?? '')) {
    return 'is a BitTorrent file; only http, https and nfs mirrors are used';
  }
  if (type === 'metaurl') return 'is a link to another description, not to the file';
  try {
    const { username, password } = parseImageUrl(url);
    if (username !== '' || password !== '') return 'has a user name in it';
  } catch (error) {
    return (error as Error).message;
  }
  return taken < MAX_MIRRORS ? undefined : `is one too many: at most ${MAX_MIRRORS} mirrors are used`;
}

const invalid = (sentence: string): ImageError =>
  new ImageError('MetalinkInvalid', `the metalink ${sentence}`);
