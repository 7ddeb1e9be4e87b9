/** A download that is slow enough to be observed on the page. */
import type { Behaviour } from '../support/image-server.ts';

export interface SlowDownload {
  readonly behaviour: Behaviour;
  /** Sends the rest at once. */
  readonly finish: () => void;
}

export function slowDownload(body: Buffer): SlowDownload {
  let isSlow = true;
  const hold = (): Promise<void> | undefined =>
    isSlow ? new Promise((resolve) => void setTimeout(resolve, 400)) : undefined;
  return { behaviour: { body, hold }, finish: () => (isSlow = false) };
}
