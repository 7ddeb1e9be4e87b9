/** What the door did, over all threads, with a line in the log when somebody was refused. */
import type { Logger } from '../runtime.ts';
import type { DoorCounts } from './counts.ts';
import type { RefusalReason } from './refusal.ts';

export interface DoorLog {
  /** A thread starts, whose counts begin at 0. */
  startThread(): void;
  note(counts: DoorCounts): void;
  closed(problem: string): void;
  /** Why the door is not open. */
  problem(): string | undefined;
  counts(): DoorCounts | undefined;
}

/** Milliseconds between two lines about refusals. */
const QUIET_MS = 60_000;

export function createDoorLog(logger: Logger): DoorLog {
  let before: DoorCounts | undefined;
  let current: DoorCounts | undefined;
  let problem: string | undefined;
  let told = '';
  let toldAt = -QUIET_MS;
  const counts = (): DoorCounts | undefined => (current === undefined ? before : sum(before, current));
  return {
    startThread() {
      before = counts();
      current = undefined;
    },
    note(next) {
      [current, problem] = [next, undefined];
      const { refused } = sum(before, next);
      const now = performance.now();
      if (JSON.stringify(refused) === told || now - toldAt < QUIET_MS) return;
      [told, toldAt] = [JSON.stringify(refused), now];
      if (Object.keys(refused).length > 0)
        logger.warn({ refused }, 'the door refused requests of other machines');
    },
    closed(reason) {
      problem = `the door cannot be opened, so that no other host can fetch from this one: ${reason}`;
      logger.error(problem);
    },
    problem: () => problem,
    counts,
  };
}

function sum(one: DoorCounts | undefined, other: DoorCounts): DoorCounts {
  if (one === undefined) return other;
  const reasons = [...Object.keys(one.refused), ...Object.keys(other.refused)] as RefusalReason[];
  return {
    bytes: one.bytes + other.bytes,
    served: one.served + other.served,
    uploads: other.uploads,
    refused: Object.fromEntries(
      reasons.map((reason) => [reason, (one.refused[reason] ?? 0) + (other.refused[reason] ?? 0)]),
    ),
  };
}
