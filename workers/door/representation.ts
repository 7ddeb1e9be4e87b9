/** How a copy is answered: its headers, and the span of it that a request asks for (RFC 9110, sections 13 and 14). */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { CopyFacts } from '../../images/spread/open-copies.ts';
import { HOLES_CODING, holeFrames } from '../../images/spread/hole-frames.ts';
import type { Span } from '../../images/spans.ts';
import { imageTag, lineageTag } from '../../model/spread.ts';
import { Refused } from './refusal.ts';

export interface Representation {
  readonly status: 200 | 206;
  readonly headers: OutgoingHttpHeaders;
  readonly span: Span;
  /** Codes consecutive chunks of the span. */
  readonly encode: (chunk: Buffer) => readonly Buffer[];
}

/**
 * @param tag the entity tag of the copy as it is now
 * @throws Refused for a range beyond the end
 */
export function represent(facts: CopyFacts, tag: string, asked: IncomingHttpHeaders): Representation {
  const { total, lineage, origin } = facts;
  const span = spanOf(asked, tagsOf(facts), total);
  const { first, end } = span ?? { first: 0, end: total };
  const coded = codingsIn(asked.te).includes(HOLES_CODING);
  return {
    status: span === undefined ? 200 : 206,
    span: { first, end },
    encode: coded ? holeFrames(first) : (chunk) => [chunk],
    headers: {
      'content-type': 'application/octet-stream',
      ...(coded
        ? { 'transfer-encoding': `${HOLES_CODING}, chunked`, 'bypass-total': total }
        : { 'content-length': end - first }),
      'accept-ranges': 'bytes',
      'cache-control': 'no-store',
      etag: tag,
      ...(span === undefined ? {} : { 'content-range': `bytes ${first}-${end - 1}/${total}` }),
      'bypass-lineage': lineage,
      ...(origin === undefined
        ? {}
        : { 'bypass-origin': Buffer.from(JSON.stringify(origin)).toString('base64url') }),
    },
  };
}

const codingsIn = (te: string | string[] = ''): readonly string[] => String(te).split(/\s*,\s*/);

/** The tags by which these very bytes are known, published or on their way. */
const tagsOf = ({ lineage, sha256 }: CopyFacts): readonly string[] => [
  lineageTag(lineage),
  ...(sha256 === undefined ? [] : [imageTag(sha256)]),
];

const RANGE = /^bytes=(\d{1,15})-(\d{1,15})?$/;

/** @returns undefined for the whole */
function spanOf(asked: IncomingHttpHeaders, tags: readonly string[], total: number): Span | undefined {
  const { range, 'if-range': ifRange } = asked;
  if (range === undefined || (ifRange !== undefined && !tags.includes(String(ifRange)))) return undefined;
  const [, first = '', last] = RANGE.exec(range) ?? [];
  const end = Math.min(total, last === undefined ? total : Number(last) + 1);
  if (first === '' || Number(first) >= end) {
    const headers = { 'content-range': `bytes */${total}` };
    throw new Refused({ status: 416, reason: 'range' }, 'the copy has no such range', headers);
  }
  return { first: Number(first), end };
}
