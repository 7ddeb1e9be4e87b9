/** Counts the bytes that running downloads fetch, by the minute, so that the past throughput is known. */
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '@temporalio/activity';
import { copiesUnderWay, countRunning } from '../../db/copies/throughput.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { MINUTE_MS } from '../../model/throughput.ts';
import type { ControlDeps } from './deps.ts';

/** Downloads that one count reads from Temporal; with more of them, each is counted less often. */
const MAX_COPIES_IN_COUNT = 500;

type CountingDeps = Pick<ControlDeps, 'db' | 'orchestration'>;

interface CountingOptions {
  /** Milliseconds between counts; an extra count comes at the end of each minute. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** Counts while the work runs. A failure to count is logged, and does not fail the work. */
export async function whileCounting(
  deps: CountingDeps,
  { everyMs, signal }: CountingOptions,
  work: () => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const counting = countUntilAborted(deps, everyMs, AbortSignal.any([signal, done.signal]));
  try {
    await work();
  } finally {
    done.abort();
    await counting;
  }
}

async function countUntilAborted(deps: CountingDeps, everyMs: number, signal: AbortSignal): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    try {
      after = await countOnce(deps, after);
    } catch (error) {
      log.warn(`what downloads have fetched was not counted: ${(error as Error).message}`);
    }
    // Bytes between two counts are spread evenly over that time: a count at the end of each minute keeps minutes apart.
    const untilMinuteMs = MINUTE_MS - (Date.now() % MINUTE_MS);
    await sleep(Math.min(everyMs, untilMinuteMs), undefined, { signal }).catch(() => undefined);
  }
}

/** @returns the id of the copy after which the next count begins */
async function countOnce({ db, orchestration }: CountingDeps, after: number): Promise<number> {
  const copies = await copiesUnderWay(db, after, MAX_COPIES_IN_COUNT);
  const live = await orchestration.live(copies);
  const fetches = copies.flatMap(({ templateId, poolId }) => {
    const fetch = live.get(copyWorkflowId(templateId, poolId))?.fetch;
    return fetch === undefined ? [] : [{ templateId, ...fetch }];
  });
  await countRunning(db, fetches);
  return copies.length < MAX_COPIES_IN_COUNT ? 0 : (copies.at(-1)?.id ?? 0);
}
