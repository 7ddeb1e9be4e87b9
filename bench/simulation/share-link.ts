/**
 * Shares a link fairly: everybody gets the same, but nobody more than it can take, and what one leaves goes to the others.
 * @param limits bytes per second that each can take
 */
export function shareLink(capacity: number, limits: readonly number[]): readonly number[] {
  const rates: number[] = Array.from(limits, () => 0);
  const modestFirst = limits.map((limit, index) => ({ limit, index })).sort((a, b) => a.limit - b.limit);
  let left = capacity;
  for (const [done, { limit, index }] of modestFirst.entries()) {
    const rate = Math.min(limit, left / (limits.length - done));
    rates[index] = rate;
    left -= rate;
  }
  return rates;
}
