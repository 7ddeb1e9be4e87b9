import { Segments } from '../../../../images/fetch/transfer/segments.ts';
import type { Segment, Wish } from '../../../../images/fetch/transfer/segments.ts';
import { bytesIn } from '../../../../images/spans.ts';
import type { Span } from '../../../../images/spans.ts';
import { below, createRandom, pick } from '../../../support/mutations.ts';

const MIB = 1_048_576;
const wish = (changes: Partial<Wish> = {}): Wish => ({
  maxBytes: Number.MAX_SAFE_INTEGER,
  secondsLeft: ({ position, end }) => end - position,
  ...changes,
});
const span = (segment: Segment | undefined): unknown => segment && [segment.first, segment.end];

const fail = (): void => {
  throw new Error('split once more');
};
const atZero = ({ first }: Span): boolean => first === 0;

test('the first connection gets all that is missing, the second half of what is left of it', () => {
  const segments = new Segments({ total: 64 * MIB, held: [] });
  const first = segments.take(wish()) as Segment;
  expect(span(first)).toEqual([0, 64 * MIB]);
  segments.advance(first, 4 * MIB);
  expect(span(segments.take(wish()))).toEqual([34 * MIB, 64 * MIB]);
  expect(first.end).toBe(34 * MIB);
});

test('the earliest free bytes go first, no more than asked for', () => {
  const segments = new Segments({ total: 64 * MIB, held: [{ first: 8 * MIB, end: 16 * MIB }] });
  expect(span(segments.take(wish({ maxBytes: 4 * MIB })))).toEqual([0, 4 * MIB]);
  expect(span(segments.take(wish({ maxBytes: 8 * MIB })))).toEqual([4 * MIB, 8 * MIB]);
  expect(span(segments.take(wish({ maxBytes: 8 * MIB })))).toEqual([16 * MIB, 24 * MIB]);
});

test('a long segment keeps what it is worth, so that others bring what comes next', () => {
  const segments = new Segments({ total: 1024 * MIB, held: [] });
  segments.take(wish());
  expect(span(segments.take(wish({ maxBytes: 16 * MIB })))).toEqual([16 * MIB, 32 * MIB]);
  expect(span(segments.take(wish({ maxBytes: 16 * MIB })))).toEqual([32 * MIB, 48 * MIB]);
});

test('what takes longest is split, not what is longest', () => {
  const segments = new Segments({ total: 48 * MIB, held: [] });
  const [a, b] = [segments.take(wish({ maxBytes: 16 * MIB })), segments.take(wish())];
  segments.take(wish({ secondsLeft: (segment) => (segment === a ? 9 : 2) }));
  expect([span(a), span(b)]).toEqual([
    [0, 8 * MIB],
    [16 * MIB, 48 * MIB],
  ]);
});

test('what is too short, or over soon, is not split', () => {
  const short = new Segments({ total: 2 * MIB - 1, held: [] });
  short.take(wish());
  expect(short.take(wish())).toBeUndefined();
  const soon = new Segments({ total: 64 * MIB, held: [] });
  soon.take(wish());
  expect(soon.take(wish({ secondsLeft: () => 0.4 }))).toBeUndefined();
});

test('a segment is split for the first time only where that can be afforded', () => {
  const segments = new Segments({ total: 64 * MIB, held: [] });
  const first = segments.take(wish()) as Segment;
  expect(segments.take(wish({ affords: () => false }))).toBeUndefined();
  const split: Segment[] = [];
  segments.take(wish({ affords: () => true, onSplit: (one) => split.push(one) }));
  expect(span(segments.take(wish({ affords: (one) => one === first, onSplit: fail })))).toEqual([
    16 * MIB,
    32 * MIB,
  ]);
  expect(split).toEqual([first]);
});

test('segments meet where pieces do', () => {
  const segments = new Segments({ total: 10 * MIB + 5, held: [], align: 3 * MIB });
  const first = segments.take(wish({ maxBytes: MIB })) as Segment;
  expect(span(first)).toEqual([0, 3 * MIB]);
  expect(span(segments.take(wish({ maxBytes: 4 * MIB })))).toEqual([3 * MIB, 10 * MIB + 5]);
});

test('what a broken connection did not bring is free again, and a running one may go on into it', () => {
  const segments = new Segments({ total: 64 * MIB, held: [] });
  const lead = segments.take(wish()) as Segment;
  const helper = segments.take(wish()) as Segment;
  segments.advance(helper, MIB);
  segments.release(helper);
  expect(segments.free).toEqual([{ first: 33 * MIB, end: 64 * MIB }]);
  expect(segments.extend(lead, 64 * MIB)).toBe(false);
  const other = segments.take(wish({ maxBytes: 2 * MIB })) as Segment;
  segments.release(other);
  segments.reopen({ first: 32 * MIB, end: 33 * MIB });
  expect(segments.extend(lead, 40 * MIB)).toBe(true);
  expect(lead.end).toBe(40 * MIB);
});

test('bytes that a connection cannot use are left to other connections', () => {
  const segments = new Segments({ total: 4 * MIB, held: [{ first: MIB, end: 3 * MIB }] });
  expect(span(segments.take(wish({ useless: atZero })))).toEqual([3 * MIB, 4 * MIB]);
  expect(segments.take(wish({ useless: atZero }))).toBeUndefined();
});

test('a file of unknown length is one segment, never split', () => {
  const segments = new Segments({ total: Infinity, held: [] });
  const only = segments.take(wish()) as Segment;
  segments.advance(only, 5 * MIB);
  expect(segments.take(wish())).toBeUndefined();
  expect(segments.complete).toBe(false);
});

test('more bytes than a segment has are a fault', () => {
  const segments = new Segments({ total: 10, held: [] });
  const only = segments.take(wish()) as Segment;
  expect(() => segments.advance(only, 11)).toThrow(RangeError);
  segments.release(only);
  expect(() => segments.advance(only, 1)).toThrow(RangeError);
});

/** Connections that come, bring bytes, break and go in any order. */
test.each(Array.from({ length: 24 }, (_, seed) => seed))(
  'every byte is brought exactly once, and none beyond the end (seed %i)',
  (seed) => {
    const random = createRandom(seed);
    const total = 200 + below(random, 4000);
    const align = pick(random, [1, 1, 16, 100]);
    const held = seed % 3 === 0 ? [{ first: 20, end: 120 }] : [];
    const segments = new Segments({ total, held, align, minBytes: 10 });
    const brought = new Uint8Array(total);
    brought.fill(1, 20, seed % 3 === 0 ? 120 : 20);
    const open: Segment[] = [];
    for (let step = 0; !segments.complete && step < 20_000; step += 1) {
      const dice = random();
      if (dice < 0.25 && open.length < 8) {
        const taken = segments.take(wish({ maxBytes: 1 + below(random, 500) }));
        if (taken !== undefined) open.push(taken);
      } else if (open.length > 0) {
        const one = pick(random, open);
        const count = Math.min(one.end - one.position, below(random, 60));
        for (let at = one.position; at < one.position + count; at += 1) brought[at] = (brought[at] ?? 9) + 1;
        segments.advance(one, count);
        const ended = one.position === one.end && !segments.extend(one, one.end + below(random, 300));
        if (ended || dice > 0.95) {
          segments.release(one);
          open.splice(open.indexOf(one), 1);
        }
      }
      if (step % 50 > 0) continue;
      const missing = brought.reduce((sum, times) => sum + Number(times === 0), 0);
      expect(segments.missing).toBe(missing);
      expect(bytesIn(segments.free)).toBeLessThanOrEqual(missing);
    }
    expect(segments.complete).toBe(true);
    expect(brought.every((times) => times === 1)).toBe(true);
  },
);
