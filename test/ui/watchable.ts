/** A download that is slow enough to be watched. */
import type { Behaviour } from '../support/image-server.ts';

export interface Watchable {
  readonly behaviour: Behaviour;
  /** The rest comes at once. */
  readonly goOn: () => void;
}

export function watchable(body: Buffer): Watchable {
  let isWatched = true;
  const hold = (): Promise<void> | undefined =>
    isWatched ? new Promise((resolve) => void setTimeout(resolve, 200)) : undefined;
  return { behaviour: { body, hold }, goOn: () => (isWatched = false) };
}
