import type { Database } from '../../db/database.ts';
import { completeSettled, settleCopy } from '../../db/jobs/jobs.ts';
import type { CopyUuids, JobError } from '../../db/jobs/jobs.ts';

/** Settles a copy, and ends the jobs whose copies are all settled, as the end of a deployment does. */
export const settle = async (db: Database, copy: CopyUuids, error?: JobError): Promise<void> =>
  completeSettled(db, await db.transaction().execute((tx) => settleCopy(tx, copy, error)));
