/**
 * When an answer over HTTP continues a file from where a transfer stopped. Bytes of two versions of a file never mix, so:
 *
 * - Weak or missing validator: only a strong entity tag proves sameness; without one no range is asked for.
 * - Same tag, 206 for exactly what was asked, of the same total: go on.
 * - Changed tag: 200, or 206 of a server that ignores If-Range: the file changed, from zero.
 * - Rotating tags (each server behind one name has its own) are the same to us: from zero each time.
 * - 206 without a tag, where the whole file had one: of which version it is, nobody knows: from zero.
 * - 200 for 206: the server gives no ranges, or not now: from zero.
 * - 416: the file became shorter than what is here, or the server does not give its rest: from zero.
 * - Shifted 206 (other bytes than asked for), or 206 without having been asked: an error.
 * - Encoded body: an error, whole or in part; which bytes of the file an encoded range is, nobody knows. Servers that
 *   label a gzip file as encoded send that file: its body is what is here.
 * - 400, 403 or 501: some servers refuse any range in this way: asked for the whole file, from zero.
 *
 * A part of the file that is fetched beside others (WantedRange) cannot start from zero: the source gives it exactly, or the
 * request fails with RangeRefused, and the transfer decides what follows.
 */
import { ImageError } from '../../../../model/failures.ts';
import { counted } from '../../../../model/grammar.ts';
import type { ResumePoint, WantedRange } from '../../protocol.ts';
import { RangeRefused } from '../../range.ts';

export interface ContentRange {
  readonly first: number;
  readonly last: number;
  /** Undefined when the server writes `*`. */
  readonly total: number | undefined;
}

/** RFC 9110 section 14.4; undefined when it is not of that form or contradicts itself. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? '');
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === '*' ? undefined : Number(match[3]);
  return first > last || (total !== undefined && last >= total) ? undefined : { first, last, total };
}

/** Statuses with which some servers refuse any range, although they give the whole file. */
export const REFUSING_RANGES: ReadonlySet<number> = new Set([400, 403, 416, 501]);

/** The request headers that ask to go on. */
export const resumeHeaders = (resume: ResumePoint | undefined): Readonly<Record<string, string>> =>
  resume === undefined ? {} : { range: `bytes=${resume.offset}-`, 'if-range': resume.etag };

export type ResumeOutcome =
  | { readonly from: 'offset' }
  | { readonly from: 'zero'; readonly reason?: string }
  /** The answer has no usable body: ask again without a range. */
  | { readonly from: 'new request'; readonly reason: string };

/**
 * Reads the answer to a request for a whole file or for its rest.
 * @throws ImageError ProtocolError when the answer is for other bytes than were asked for.
 */
export function resumeOutcome(
  resume: ResumePoint | undefined,
  answer: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
): ResumeOutcome {
  const { status, headers } = answer;
  if (resume === undefined) {
    if (status === 206) throw new ImageError('ProtocolError', 'sent a part of the file, unasked');
    return { from: 'zero' };
  }
  if (REFUSING_RANGES.has(status)) return { from: 'new request', reason: unsatisfied(resume, headers) };
  const etag = headers.get('etag');
  const changed = etag !== undefined && etag !== resume.etag;
  if (status === 200) {
    return {
      from: 'zero',
      reason: changed ? CHANGED : 'the source sent the whole file again',
    };
  }
  if (changed) return { from: 'new request', reason: CHANGED };
  const range = parseContentRange(headers.get('content-range'));
  if (range !== undefined && range.total !== undefined && range.total !== resume.total) {
    return { from: 'new request', reason: 'the file at the source has another size now' };
  }
  if (range?.first !== resume.offset || range.last !== resume.total - 1) {
    throw new ImageError('ProtocolError', 'sent other bytes than asked for');
  }
  // RFC 9110 section 15.3.7: what a whole answer would carry, a part carries too. Without it nothing is proven.
  return etag === undefined ? { from: 'new request', reason: UNTOLD } : { from: 'offset' };
}

const CHANGED = 'the file at the source changed';
const UNTOLD = 'the source no longer says which version of the file it sends';
const SHORTER = 'the file at the source became shorter';

function unsatisfied({ offset }: { readonly offset: number }, headers: ReadonlyMap<string, string>): string {
  const total = /^bytes \*\/(\d{1,15})$/i.exec(headers.get('content-range')?.trim() ?? '')?.[1];
  return total !== undefined && Number(total) <= offset
    ? SHORTER
    : 'the source does not give the rest of the file';
}

/** The request headers that ask for a part of the file. */
export const rangeHeaders = ({ first, last, etag }: WantedRange): Readonly<Record<string, string>> => ({
  range: `bytes=${first}-${last}`,
  ...(etag === undefined ? {} : { 'if-range': etag }),
});

/**
 * Reads the answer to a request for a part of the file.
 *
 * - 206 for exactly what was asked, of the same total, under the same tag: good. Without a tag of its own it proves
 *   nothing, unless none was asked for.
 * - 200: the server gives no ranges; with another tag than asked for, the file changed.
 * - 416: the file became shorter than what was asked for, or the server does not give that part.
 * - Another tag: the file changed. Another total: it is another file.
 * - Shifted, or of another length: an error of the server.
 *
 * @throws RangeRefused for everything but the bytes that were asked for
 */
export function requireRange(
  wanted: WantedRange,
  answer: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
): void {
  const { status, headers } = answer;
  const etag = headers.get('etag');
  if (status === 416) {
    const reason = unsatisfied({ offset: wanted.first }, headers);
    throw new RangeRefused(reason, { changed: reason === SHORTER });
  }
  if (wanted.etag !== undefined && etag !== undefined && etag !== wanted.etag) {
    throw new RangeRefused(CHANGED, { changed: true });
  }
  if (status === 200)
    throw new RangeRefused('the source does not give parts of the file', { changed: false });
  const range = parseContentRange(headers.get('content-range'));
  if (range?.total !== undefined && range.total !== wanted.total) {
    const sentence = `the file at the source has ${counted(range.total, 'byte')}, not ${wanted.total}`;
    throw new RangeRefused(sentence, { changed: true });
  }
  if (range?.first !== wanted.first || range.last !== wanted.last) {
    throw new RangeRefused('sent other bytes than asked for', { changed: false });
  }
  if (wanted.etag !== undefined && etag === undefined) {
    const sentence = 'the source does not say which version of the file its parts are of';
    throw new RangeRefused(sentence, { changed: false });
  }
}

/**
 * How a body is encoded although identity was asked for, as a sentence; undefined when it is not.
 * @param gzip whether the file is a gzip file: servers label such a file as encoded, and send it as it is
 */
export function unaskedEncoding(headers: ReadonlyMap<string, string>, gzip = false): string | undefined {
  for (const [title, plain] of [
    ['Content-Encoding', gzip ? /^(?:identity|(?:x-)?gzip)$/ : /^identity$/],
    ['Transfer-Encoding', /^(?:identity|chunked)$/],
  ] as const) {
    const used = headers.get(title.toLowerCase())?.trim().toLowerCase() ?? '';
    if (used === '' || plain.test(used)) continue;
    const shown = used.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 40);
    return `sends the file with a ${title} (${shown}) although identity was asked for`;
  }
  return undefined;
}
