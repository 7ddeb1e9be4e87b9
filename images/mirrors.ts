/** Which mirror is tried after which, and what it means when none works. */
import type { FailureClass } from '../model/failures.ts';
import { ImageError } from '../model/failures.ts';
import type { Mirror } from '../model/source.ts';

/** With these the next mirror may do better; with any other class none would. */
const NEXT_MAY_HELP: ReadonlySet<FailureClass> = new Set(['source', 'content', 'time']);

/** By priority, but one whose bytes lie here already goes first: they are not to be fetched again. */
export function orderMirrors(mirrors: readonly Mirror[], begun: string | undefined): readonly Mirror[] {
  const byPriority = mirrors.toSorted((a, b) => a.priority - b.priority);
  return byPriority.toSorted((a, b) => Number(b.url === begun) - Number(a.url === begun));
}

/**
 * Tries mirrors until one works. Wrong content is given one chance at another mirror.
 * @throws ImageError the verdict over all that failed; at once for what no mirror can mend
 */
export async function firstThatWorks<T>(
  mirrors: readonly Mirror[],
  attempt: (mirror: Mirror) => Promise<T>,
): Promise<T> {
  const failed: ImageError[] = [];
  for (const mirror of mirrors) {
    try {
      return await attempt(mirror);
    } catch (error) {
      if (!(error instanceof ImageError) || !NEXT_MAY_HELP.has(error.class)) throw error;
      const lastChance = failed.some((earlier) => earlier.class === 'content');
      failed.push(error);
      if (lastChance) break;
    }
  }
  throw verdict(failed);
}

/** Of several failures the one that says best what to do next. */
export function verdict(failed: readonly ImageError[]): ImageError {
  const of = (...kinds: readonly string[]): ImageError | undefined =>
    failed.findLast(({ kind }) => kinds.includes(kind));
  const soonest = failed
    .filter(({ kind }) => kind === 'Throttled')
    .toSorted((a, b) => (a.retryAfterMs ?? Infinity) - (b.retryAfterMs ?? Infinity))[0];
  return (
    failed.find((failure) => failure.class === 'content') ??
    soonest ??
    of('ConnectionLost', 'Stalled') ??
    failed.at(-1) ??
    new ImageError('NotFound', 'there is no URL to download from')
  );
}
