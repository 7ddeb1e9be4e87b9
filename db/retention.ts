/** Deletes what was kept long enough: ended jobs, events, samples of throughput, counts of calls, hashes of images that are gone. */
import type { Retention } from '../model/configurations.ts';
import { deleteEndedCounts } from './accounts/call-counts.ts';
import { deleteUnusedPieces } from './copies/pieces.ts';
import { deleteExpiredThroughput } from './copies/throughput.ts';
import { foldChanges } from './count.ts';
import type { Queryable } from './database.ts';
import { deleteOldEvents } from './events/events.ts';
import { deleteOldJobs } from './jobs/jobs.ts';

/** The most rows that one statement deletes, so that none takes long. */
const BATCH = 5000;
/** Batches of counts of calls at most. */
const MAX_ROUNDS = 100;

/** How many rows were deleted. */
export interface Expired {
  readonly jobs: number;
  readonly events: number;
}

/**
 * Deletes at most one batch of each kind; jobs that are pending stay.
 * @param retention 0 keeps that kind for ever
 */
export async function deleteExpired(db: Queryable, { jobMinutes, eventDays }: Retention): Promise<Expired> {
  await foldChanges(db);
  await deleteExpiredThroughput(db);
  await deleteUnusedPieces(db, BATCH);
  // Everybody who tries to log in makes one.
  for (let rounds = 0; rounds < MAX_ROUNDS && (await deleteEndedCounts(db, BATCH)) === BATCH; rounds += 1);
  return {
    jobs: jobMinutes === 0 ? 0 : await deleteOldJobs(db, jobMinutes, BATCH),
    events: eventDays === 0 ? 0 : await deleteOldEvents(db, eventDays, BATCH),
  };
}
