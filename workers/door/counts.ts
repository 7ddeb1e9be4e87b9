/** What the door did since its start. */
import type { RefusalReason } from './refusal.ts';

export interface DoorCounts {
  /** Bytes of images that were sent. */
  readonly bytes: number;
  /** Uploads that run now. */
  readonly uploads: number;
  /** Uploads that began. */
  readonly served: number;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
}

export interface Counter {
  refused(reason: RefusalReason | undefined): void;
  began(): void;
  sent(bytes: number): void;
  counts(): Omit<DoorCounts, 'uploads'>;
}

export function createCounter(): Counter {
  const refused: Partial<Record<RefusalReason, number>> = {};
  let [bytes, served] = [0, 0];
  return {
    refused(reason) {
      if (reason !== undefined) refused[reason] = (refused[reason] ?? 0) + 1;
    },
    began: () => void (served += 1),
    sent: (count) => void (bytes += count),
    counts: () => ({ bytes, served, refused: { ...refused } }),
  };
}
