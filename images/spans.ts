/** Sets of byte positions in a file, as sorted spans that neither touch nor overlap. */

export interface Span {
  readonly first: number;
  /** The byte after the last one. */
  readonly end: number;
}

export type Spans = readonly Span[];

export const lengthOf = ({ first, end }: Span): number => end - first;

export const bytesIn = (spans: Spans): number => spans.reduce((sum, span) => sum + lengthOf(span), 0);

export function addSpan(spans: Spans, added: Span): Spans {
  if (added.end <= added.first) return spans;
  const before = spans.filter(({ end }) => end < added.first);
  const after = spans.filter(({ first }) => first > added.end);
  const touched = spans.slice(before.length, spans.length - after.length);
  const merged = {
    first: Math.min(added.first, touched[0]?.first ?? added.first),
    end: Math.max(added.end, touched.at(-1)?.end ?? added.end),
  };
  return [...before, merged, ...after];
}

export function removeSpan(spans: Spans, removed: Span): Spans {
  if (removed.end <= removed.first) return spans;
  return spans.flatMap((span) =>
    [
      { first: span.first, end: Math.min(span.end, removed.first) },
      { first: Math.max(span.first, removed.end), end: span.end },
    ].filter(({ first, end }) => first < end),
  );
}

/** The spans of a file of `total` bytes that are missing. */
export function gapsIn(spans: Spans, total: number): Spans {
  return spans.reduce<Spans>(removeSpan, total > 0 ? [{ first: 0, end: total }] : []);
}

/** Length of the prefix of the file without a gap. */
export const prefixOf = (spans: Spans): number => (spans[0]?.first === 0 ? spans[0].end : 0);

export const covers = (spans: Spans, { first, end }: Span): boolean =>
  spans.some((span) => span.first <= first && end <= span.end);
