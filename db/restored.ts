/**
 * A database that was restored to an earlier moment, while hosts and Temporal went on. Each sweep of upkeep counts one up
 * here, and upkeep remembers the number in Temporal: a smaller number here than there means a restored database.
 *
 * What the database says of unfinished work is then no ground to do it: a machine whose deployment is written as waiting may
 * run since. So jobs of machines end, and say why; hosts report what runs. Downloads, removals and deletions are asked for
 * again by the sweep, since they are the same when they are done twice. Invites that were not used then may have been used
 * since, and admit nobody any more.
 */
import { sql } from 'kysely';
import { apiCodes } from '../model/api-codes.ts';
import { vmWorkflowId } from '../model/names.ts';
import type { Database, Queryable } from './database.ts';
import { recordEvent } from './events/events.ts';
import { pendingVmJobs, endTask } from './vms/tasks.ts';
import { allZones } from './zones/zones.ts';

/**
 * Counts a sweep, and settles what is written as unfinished if the database was restored.
 * @param remembered the number of the latest sweep, as upkeep remembers it; undefined in its first run
 * @returns the number of this sweep
 */
export const countSweep = (db: Database, remembered: number | undefined): Promise<number> =>
  db.transaction().execute(async (tx) => {
    const before = await tx.selectFrom('upkeep_sweep').select('count').forUpdate().executeTakeFirst();
    const count = before?.count ?? 0;
    if (remembered !== undefined && count < remembered) await settleRestored(tx);
    const next = Math.max(count, remembered ?? 0) + 1;
    await tx.updateTable('upkeep_sweep').set({ count: next }).execute();
    return next;
  });

const UNKNOWN_END =
  'The database was restored to an earlier moment, and what became of this job since then is not known: look at the machine, and call again what is still wanted';

/** Settles the database as one that was restored. @returns what was done, as a sentence */
export const noteRestored = (db: Database): Promise<string> =>
  db.transaction().execute((tx) => settleRestored(tx));

async function settleRestored(tx: Queryable): Promise<string> {
  const jobs = await pendingVmJobs(tx);
  for (const { vmId, jobId, command } of jobs) {
    const job = { vmId, jobId, command, workflowId: vmWorkflowId(vmId) };
    const error = { code: apiCodes.internal, text: UNKNOWN_END, kind: 'Cancelled' } as const;
    await endTask(tx, job, { error, description: UNKNOWN_END });
  }
  await letHostsTell(tx);
  const { numDeletedRows: invites } = await tx
    .deleteFrom('host_invite')
    .where('used_by', 'is', null)
    .executeTakeFirst();
  const description = `The database was restored to an earlier moment: ${jobs.length} jobs of virtual machines ended, ${invites} unused invites were removed`;
  for (const { uuid } of await allZones(tx)) {
    await recordEvent(tx, {
      type: 'DATABASE.RESTORE',
      level: 'WARN',
      description: `${description}; docs/operations.md says what to look at`,
      resourceType: 'Zone',
      resourceUuid: uuid,
    });
  }
  return description;
}

/** Whether machines run, their hosts report within a minute; those that no host had yet are stopped. */
async function letHostsTell(tx: Queryable): Promise<void> {
  const now = sql<Date>`now()`;
  await tx
    .updateTable('vm_instance')
    .set({ state: 'Stopped', phase: null, updated: now })
    .where('state', 'in', ['Starting', 'Stopping'])
    .where('host_id', 'is', null)
    .where('removed', 'is', null)
    .execute();
  await tx
    .updateTable('vm_instance')
    .set({ power_state: 'PowerUnknown', phase: null, updated: now })
    .where('host_id', 'is not', null)
    .where('removed', 'is', null)
    .execute();
}
