/** Removal of copies, and deletion of templates with their copies. */
import { sql } from 'kysely';
import { apiCodes } from '../../model/api-codes.ts';
import { eventType, resourceTypeOf } from '../../model/event-types.ts';
import type { DeletionInput, RemoveResult } from '../../model/payloads.ts';
import { findCopy } from './copies.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { recordEvent } from '../events/events.ts';
import { completeJobsOf, DELETION_COMMANDS } from '../jobs/jobs.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { titleOfCopy } from './outcomes.ts';
import type { Outcome } from './outcomes.ts';
import { recordPool } from '../pools/pools.ts';
import { release } from './reservations.ts';
import { isIdleStill } from './idle.ts';
import { isInUse, usersOfCopy } from './users.ts';

export type RemovalBegun =
  | {
      readonly copyId: string;
      readonly templateName: string;
      readonly poolName: string;
    }
  /** Virtual machines stand on it, so that it stays as it is. */
  | {
      readonly copyId?: undefined;
      readonly users: number;
      /** It was to go only if nothing used it, and it is wanted again. */
      readonly wanted?: true;
      readonly templateName: string;
      readonly poolName: string;
    };

/**
 * Begins the removal of a copy, unless virtual machines stand on it.
 * @param idleSeconds removes it only if nothing has used it for so long
 * @returns undefined when there is no such copy
 */
export function beginRemoval(
  db: Database,
  copy: CopyUuids,
  idleSeconds?: number,
): Promise<RemovalBegun | undefined> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, copy);
    if (row === undefined) return undefined;
    const { copyId, templateName, poolName } = row;
    // A machine that is placed at the same time locks the row as well (db/vms/images.ts): one of the two sees the other.
    await tx.selectFrom('template_spool_ref').where('id', '=', row.id).select('id').forUpdate().execute();
    const { state, users, inUse } = await tx
      .selectFrom('template_spool_ref')
      .where('id', '=', row.id)
      .select(['state', usersOfCopy.as('users'), isInUse.as('inUse')])
      .executeTakeFirstOrThrow();
    if (inUse) return { users, templateName, poolName };
    const isOptional = idleSeconds !== undefined && state !== 'Destroying';
    if (isOptional && !(await isIdleStill(tx, { ...copy, copyId }, idleSeconds)))
      return { users, wanted: true, templateName, poolName };
    await tx
      .updateTable('template_spool_ref')
      .set({ state: 'Destroying', marked_for_gc: true, last_updated: sql`now()` })
      .where('id', '=', row.id)
      .execute();
    await release(tx, row.copyId);
    return { copyId, templateName, poolName };
  });
}

/** Deletes the row of a copy whose files were removed. Repeating it changes nothing. */
export function finishRemoval(
  db: Database,
  outcome: Outcome,
  done: { readonly result: RemoveResult; readonly by: string; readonly copyId: string },
): Promise<void> {
  const { result, by, copyId } = done;
  return db.transaction().execute(async (tx) => {
    await recordPool(tx, result.hostId, result.pool);
    const row = await findCopy(tx, outcome.copy);
    if (row === undefined || row.copyId !== copyId) return;
    await tx.deleteFrom('template_spool_ref').where('id', '=', row.id).execute();
    await recordEvent(tx, {
      type: eventType(row, 'POOL.REMOVE'),
      description: `${titleOfCopy(row)} was removed from pool ${row.poolName} for ${by}`,
      accountUuid: row.accountId,
      resourceType: resourceTypeOf(row),
      resourceUuid: outcome.copy.templateId,
      workflowId: outcome.workflowId,
      once: outcome.outcomeId,
    });
  });
}

/** A copy that must be removed before its template is deleted. */
export interface CopyToRemove {
  readonly poolId: string;
  readonly poolName: string;
}

/**
 * Takes a template out of lists and deployments. Repeating it changes nothing.
 * @returns the copies to remove: those that no virtual machine stands on
 * @throws NotPossible when there is no such template
 */
export function beginDeletion(
  db: Database,
  templateId: string,
): Promise<{ readonly name: string; readonly copies: readonly CopyToRemove[] }> {
  return db.transaction().execute(async (tx) => {
    const template = await tx
      .updateTable('vm_template')
      .set({ state: 'Inactive', removed: sql`coalesce(removed, now())`, updated: sql`now()` })
      .where('uuid', '=', templateId)
      .returning(['id', 'name'])
      .executeTakeFirst();
    if (template === undefined) throw new NotPossible(`There is no template ${templateId}`);
    const copies = await tx
      .selectFrom('template_spool_ref')
      .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
      .where('template_id', '=', template.id)
      .where(sql<boolean>`not ${isInUse}`)
      .select(['storage_pool.uuid as poolId', 'storage_pool.name as poolName'])
      .orderBy('storage_pool.name')
      .execute();
    return { name: template.name, copies };
  });
}

/**
 * Deletes the secrets of a template, and the rows that refer to it; its own row stays, as removed, and so do copies that
 * virtual machines stand on, until the last of these goes.
 */
export function finishDeletion(db: Database, input: DeletionInput, workflowId: string): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const template = await tx
      .updateTable('vm_template')
      .set({ sealed: null })
      .where('uuid', '=', input.templateId)
      .returning(['id', 'name', 'format'])
      .executeTakeFirstOrThrow();
    for (const table of TEMPLATE_TABLES) {
      await tx.deleteFrom(table).where('template_id', '=', template.id).execute();
    }
    const kept = await keptCopies(tx, template.id);
    const what = `${template.format === 'ISO' ? 'ISO' : 'Template'} ${template.name} is deleted`;
    await recordEvent(tx, {
      type: eventType(template, 'DELETE'),
      description: kept === undefined ? `${what}, with its copies` : `${what}; ${kept}`,
      userUuid: input.userId,
      accountUuid: input.accountId,
      resourceType: resourceTypeOf(template),
      resourceUuid: input.templateId,
      workflowId,
      once: `deleted:${input.templateId}`,
    });
    await completeJobsOf(tx, { uuid: input.templateId, cmds: DELETION_COMMANDS }, successOf(kept));
  });
}

/** A sentence about the copies of a deleted template that stay; undefined when none does. */
async function keptCopies(tx: Queryable, template: number): Promise<string | undefined> {
  const rows = await tx
    .selectFrom('template_spool_ref')
    .where('template_id', '=', template)
    .where(isInUse)
    .select(usersOfCopy.as('users'))
    .execute();
  if (rows.length === 0) return undefined;
  const users = rows.reduce((sum, row) => sum + row.users, 0);
  const copies = rows.length === 1 ? 'the copy on one pool stays' : `the copies on ${rows.length} pools stay`;
  const machines = users === 1 ? 'one virtual machine uses' : `${users} virtual machines use`;
  return `${copies} while ${machines} ${rows.length === 1 ? 'it' : 'them'}`;
}

const TEMPLATE_TABLES = [
  'template_zone_ref',
  'template_store_ref',
  'template_mirror',
  'vm_template_details',
] as const;

/** @param kept what stays */
const successOf = (kept: string | undefined) => ({
  result: { success: true, ...(kept === undefined ? {} : { displaytext: kept }) },
});

/** Fails the jobs that wait for the deletion of a template. */
export const failDeletion = (db: Queryable, templateId: string, text: string): Promise<void> =>
  completeJobsOf(
    db,
    { uuid: templateId, cmds: DELETION_COMMANDS },
    { error: { code: apiCodes.internal, text } },
  );
