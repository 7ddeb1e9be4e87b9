import { addSpan, bytesIn, covers, gapsIn, prefixOf, removeSpan } from '../../images/spans.ts';
import type { Spans } from '../../images/spans.ts';
import { createRandom } from '../support/mutations.ts';

const spans = (...pairs: readonly (readonly [number, number])[]): Spans =>
  pairs.map(([first, end]) => ({ first, end }));

test('spans that touch or overlap are merged', () => {
  expect(addSpan(spans([0, 4], [8, 9]), { first: 4, end: 8 })).toEqual(spans([0, 9]));
  expect(addSpan(spans([2, 4]), { first: 0, end: 9 })).toEqual(spans([0, 9]));
  expect(addSpan(spans([5, 6]), { first: 0, end: 2 })).toEqual(spans([0, 2], [5, 6]));
  expect(addSpan(spans([5, 6]), { first: 3, end: 3 })).toEqual(spans([5, 6]));
});

test('removing a span leaves the bytes on both sides', () => {
  expect(removeSpan(spans([0, 9]), { first: 3, end: 5 })).toEqual(spans([0, 3], [5, 9]));
  expect(removeSpan(spans([0, 2], [4, 6]), { first: 1, end: 5 })).toEqual(spans([0, 1], [5, 6]));
  expect(removeSpan(spans([0, 9]), { first: 5, end: 5 })).toEqual(spans([0, 9]));
});

test('gaps, prefix and length are computed from the spans', () => {
  expect(gapsIn(spans([0, 2], [4, 6]), 9)).toEqual(spans([2, 4], [6, 9]));
  expect(gapsIn([], 0)).toEqual([]);
  expect(prefixOf(spans([0, 2], [4, 6]))).toBe(2);
  expect(prefixOf(spans([4, 6]))).toBe(0);
  expect(bytesIn(spans([0, 2], [4, 6]))).toBe(4);
  expect(covers(spans([0, 2], [4, 6]), { first: 4, end: 6 })).toBe(true);
  expect(covers(spans([0, 2], [4, 6]), { first: 1, end: 5 })).toBe(false);
});

test('any sequence of operations agrees with a list of single bytes', () => {
  const random = createRandom(7);
  const upTo = (n: number): number => Math.floor(random() * (n + 1));
  const bytes = Array<boolean>(60).fill(false);
  let all: Spans = [];
  for (let step = 0; step < 3000; step += 1) {
    const first = upTo(60);
    const span = { first, end: Math.min(60, first + upTo(12)) };
    const add = random() < 0.55;
    all = add ? addSpan(all, span) : removeSpan(all, span);
    bytes.fill(add, span.first, span.end);
    const covered = bytes.map((_, at) => covers(all, { first: at, end: at + 1 }));
    expect(covered).toEqual(bytes);
    expect(all.every((one, at) => one.first < one.end && (all[at + 1]?.first ?? 61) > one.end)).toBe(true);
  }
});
