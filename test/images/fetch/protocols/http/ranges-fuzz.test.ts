/** Random answers to requests for a part: bytes are taken only from an answer that is for those bytes of that version. */
import {
  parseContentRange,
  requireRange,
  resumeOutcome,
  unaskedEncoding,
} from '../../../../../images/fetch/protocols/http/ranges.ts';
import { RangeRefused, strongEtag } from '../../../../../images/fetch/range.ts';
import { ImageError } from '../../../../../model/failures.ts';
import { fuzz, fuzzTimeout } from '../../../../support/fuzzing.ts';
import { below, createRandom, mutate, pick } from '../../../../support/mutations.ts';
import type { Random } from '../../../../support/mutations.ts';

const NUMBERS = [
  '0',
  '1',
  '39',
  '40',
  '41',
  '98',
  '99',
  '100',
  '101',
  '-1',
  '+40',
  '0040',
  '4e1',
  ' 40',
  '',
  '*',
]
  .concat(['9007199254740991', '9007199254740993', '18446744073709551616', '0x28', '٤٠', '4\u00a00'])
  .concat('9'.repeat(400));
const TAGS = [
  '"1"',
  '"1"',
  '"1"',
  '"2"',
  'W/"1"',
  '1',
  '"1',
  '""',
  '"1", "2"',
  '"1"-gzip',
  '"\u00e9"',
  '"a"b"',
  ' "1"',
];
const UNITS = ['bytes ', 'bytes ', 'bytes ', 'Bytes ', 'bytes=', 'bytes  ', 'items ', '', 'bytes\t', 'none '];
const ENCODINGS = [
  'identity',
  'Identity',
  'gzip',
  'chunked',
  'gzip, identity',
  '',
  ' ',
  'br',
  'x'.repeat(9999),
  '\u0000',
];

interface Asked {
  readonly first: number;
  readonly last: number;
  readonly total: number;
  readonly etag: string;
}

interface Case {
  readonly asked: Asked;
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

const ASKED: Asked = { first: 40, last: 99, total: 100, etag: '"1"' };

function contentRange(random: Random): string {
  const [first, last, total] =
    below(random, 2) === 0 ? ['40', '99', '100'] : [0, 1, 2].map(() => pick(random, NUMBERS));
  const text = `${pick(random, UNITS)}${first}-${last}/${below(random, 5) === 0 ? '*' : total}`;
  if (below(random, 4) > 0) return text;
  const bytes = Buffer.from(text, 'latin1');
  return mutate(bytes, [[0, bytes.length]], random).toString('latin1');
}

function make(seed: number): Case {
  const random = createRandom(seed);
  const headers = new Map<string, string>();
  if (below(random, 10) > 0) headers.set('content-range', contentRange(random));
  if (below(random, 3) > 0) headers.set('etag', pick(random, TAGS));
  if (below(random, 5) === 0) headers.set('content-encoding', pick(random, ENCODINGS));
  if (below(random, 5) === 0) headers.set('transfer-encoding', pick(random, ENCODINGS));
  return { asked: ASKED, status: pick(random, [200, 206, 206, 206, 416]), headers };
}

/** What RFC 9110 lets one read, written down once more and otherwise. */
function isFor({ first, last, total }: Asked, value: string | undefined): boolean {
  const allowed = [`${first}-${last}/${total}`, `${first}-${last}/*`];
  const text = (value ?? '').trim();
  return /^bytes /i.test(text) && allowed.includes(canonical(text.slice(6)));
}

/** Zeros in front of a number mean nothing. */
const canonical = (text: string): string =>
  text.replace(/\d+/g, (digits) => (digits.length > 15 ? digits : String(Number(digits))));

function check({ asked, status, headers }: Case): void {
  const etag = headers.get('etag');
  const right = status === 206 && isFor(asked, headers.get('content-range'));
  const resume = { offset: asked.first, total: asked.total, etag: asked.etag };
  const taken = outcome(() => resumeOutcome(resume, { status, headers }).from);
  const expected = right && etag === asked.etag ? 'offset' : 'anything else';
  if ((taken === 'offset') !== (expected === 'offset')) throw new Error(`goes on from ${taken}`);
  if (status === 200 && taken !== 'zero') throw new Error(`reads a whole file as ${taken}`);
  const part = outcome(() => (requireRange(asked, { status, headers }), 'part'));
  if ((part === 'part') !== (right && etag === asked.etag)) throw new Error(`takes the part: ${part}`);
  const range = parseContentRange(headers.get('content-range'));
  const numbers = [range?.first ?? 0, range?.last ?? 0, range?.total ?? 0];
  if (!numbers.every(Number.isSafeInteger)) throw new Error(`reads numbers as ${numbers.join()}`);
  const strong = strongEtag(etag);
  if (strong !== undefined && (strong !== etag || !strong.startsWith('"'))) throw new Error(`tag ${strong}`);
  const sentence = unaskedEncoding(headers);
  if (sentence !== undefined && /[^\x20-\x7e]/.test(sentence))
    throw new Error('repeats what cannot be printed');
}

/** @throws what is no verdict */
function outcome(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeRefused) return 'refused';
    if (error instanceof ImageError && error.kind === 'ProtocolError') return 'an error';
    throw error;
  }
}

test(
  'a random answer',
  () => fuzz({ rounds: { short: 10_000, full: 2_000_000 }, measureEvery: 5000 }, make, check),
  fuzzTimeout,
);
