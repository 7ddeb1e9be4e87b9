/** The end of copies and of templates. */
import { sql } from 'kysely';
import type { DeletionInput, RemoveResult } from '../model/payloads.ts';
import { findCopy } from './copies.ts';
import type { Database, Queryable } from './database.ts';
import { NotPossible } from './errors.ts';
import { recordEvent } from './events.ts';
import { completeJobsOf, DELETION_COMMANDS } from './jobs.ts';
import type { CopyUuids } from './jobs.ts';
import { kindOf, titleOfCopy } from './outcomes.ts';
import type { Outcome } from './outcomes.ts';
import { recordPoolReports } from './pools.ts';
import { release } from './reservations.ts';

/** Begins the removal of a copy. @returns its UUID and names, or undefined when there is no such copy */
export function beginRemoval(
  db: Database,
  copy: CopyUuids,
): Promise<
  { readonly copyId: string; readonly templateName: string; readonly poolName: string } | undefined
> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, copy);
    if (row === undefined) return undefined;
    await tx
      .updateTable('template_spool_ref')
      .set({ state: 'Destroying', marked_for_gc: true, last_updated: sql`now()` })
      .where('id', '=', row.id)
      .execute();
    await release(tx, row.copyId);
    const { copyId, templateName, poolName } = row;
    return { copyId, templateName, poolName };
  });
}

/** The files of the copy are gone: so is its row. Doing it again changes nothing. */
export function finishRemoval(
  db: Database,
  outcome: Outcome,
  done: { readonly result: RemoveResult; readonly by: string; readonly copyId: string },
): Promise<void> {
  const { result, by, copyId } = done;
  return db.transaction().execute(async (tx) => {
    await recordPoolReports(tx, result.hostId, [result.pool]);
    const row = await findCopy(tx, outcome.copy);
    if (row === undefined || row.copyId !== copyId) return;
    await tx.deleteFrom('template_spool_ref').where('id', '=', row.id).execute();
    await recordEvent(tx, {
      type: `${kindOf(row)}.POOL.REMOVE`,
      description: `${titleOfCopy(row)} was removed from pool ${row.poolName} for ${by}`,
      accountUuid: row.accountId,
      resourceType: row.format === 'ISO' ? 'ISO' : 'VirtualMachineTemplate',
      resourceUuid: outcome.copy.templateId,
      workflowId: outcome.workflowId,
      once: outcome.outcomeId,
    });
  });
}

/** Whether the copy still has a row. */
export const copyExists = async (db: Queryable, copy: CopyUuids): Promise<boolean> =>
  (await findCopy(db, copy)) !== undefined;

/** A copy that goes with its template. */
export interface DoomedCopy {
  readonly poolId: string;
  readonly poolName: string;
}

/**
 * From here on the template is not listed and cannot be deployed. Doing it again changes nothing.
 * @returns the copies to remove
 * @throws NotPossible when there is no such template
 */
export function beginDeletion(
  db: Database,
  templateId: string,
): Promise<{ readonly name: string; readonly copies: readonly DoomedCopy[] }> {
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
      .select(['storage_pool.uuid as poolId', 'storage_pool.name as poolName'])
      .orderBy('storage_pool.name')
      .execute();
    return { name: template.name, copies };
  });
}

/** The copies are gone: so are the template's secrets and the rows that hang on it; its own stays, as removed. */
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
    const iso = template.format === 'ISO';
    await recordEvent(tx, {
      type: iso ? 'ISO.DELETE' : 'TEMPLATE.DELETE',
      description: `${iso ? 'ISO' : 'Template'} ${template.name} is deleted, with its copies`,
      userUuid: input.userId,
      accountUuid: input.accountId,
      resourceType: iso ? 'ISO' : 'VirtualMachineTemplate',
      resourceUuid: input.templateId,
      workflowId,
      once: `deleted:${input.templateId}`,
    });
    await completeJobsOf(tx, { uuid: input.templateId, cmds: DELETION_COMMANDS }, SUCCESS);
  });
}

const TEMPLATE_TABLES = [
  'template_zone_ref',
  'template_store_ref',
  'template_mirror',
  'vm_template_details',
] as const;

const SUCCESS = { result: { success: true } };

/** The deletion failed; whoever waits for it is told why. */
export const failDeletion = (db: Queryable, templateId: string, text: string): Promise<void> =>
  completeJobsOf(db, { uuid: templateId, cmds: DELETION_COMMANDS }, { error: { code: 530, text } });
