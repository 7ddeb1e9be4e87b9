/** Names of a copy for people, as its workflow is started with. */
import { findCopy } from '../../db/copies/copies.ts';
import type { Queryable } from '../../db/database.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import type { CopyNames } from '../../orchestration/orchestration.ts';

/** Undefined while the copy has no row. */
export async function namesOf(db: Queryable, copy: CopyUuids): Promise<CopyNames | undefined> {
  const row = await findCopy(db, copy);
  return row && { template: row.templateName, pool: row.poolName };
}
