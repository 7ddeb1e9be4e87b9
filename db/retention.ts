/** Deletes what was kept long enough: ended jobs, events, samples of throughput, counts of calls, hashes of images that are gone. */
import type { Retention } from '../model/configurations.ts';
import { deleteEndedCounts } from './accounts/call-counts.ts';
import { deleteUnusedPieces } from './copies/pieces.ts';
import { deleteOldAttempts, deleteOldSamples } from './copies/throughput.ts';
import { foldChanges } from './count.ts';
import type { Queryable } from './database.ts';
import { deleteOldEvents } from './events/events.ts';
import { deleteOldJobs } from './jobs/jobs.ts';

/** The most rows that one statement deletes, so that none takes long. */
const BATCH = 5000;
/** Batches at most of what becomes more by use alone: whoever tries to log in makes a count, each change of a copy a row. */
const MAX_ROUNDS = 100;
const GROWING = [foldChanges, deleteOldSamples, deleteOldAttempts, deleteEndedCounts];

/** How many rows were deleted. */
export interface Expired {
  readonly jobs: number;
  readonly events: number;
}

/**
 * Deletes what has expired, of jobs and events at most one batch; jobs that are pending stay.
 * @param retention 0 keeps that kind for ever
 */
export async function deleteExpired(db: Queryable, { jobMinutes, eventDays }: Retention): Promise<Expired> {
  for (const sweep of GROWING)
    for (let rounds = 0; rounds < MAX_ROUNDS && (await sweep(db, BATCH)) === BATCH; rounds += 1);
  await deleteUnusedPieces(db, BATCH);
  return {
    jobs: jobMinutes === 0 ? 0 : await deleteOldJobs(db, jobMinutes, BATCH),
    events: eventDays === 0 ? 0 : await deleteOldEvents(db, eventDays, BATCH),
  };
}
