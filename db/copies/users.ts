/**
 * What stands on copies: disks of machines, as overlays, and ISOs in their CD-ROM drives. Destroyed machines count, until
 * they are expunged. A copy that is ready and in use is never removed; the last machine that goes takes the copy of a
 * deleted image along.
 */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import type { CopyUuids } from '../jobs/jobs.ts';

/** Number of machines that stand on a row of `template_spool_ref`. */
export const usersOfCopy = sql<number>`(
  select count(distinct vm.id) from vm_instance vm
  join volumes v on v.vm_id = vm.id and v.removed is null
  where vm.removed is null and v.pool_id = template_spool_ref.pool_id
    and (v.template_id = template_spool_ref.template_id or vm.iso_id = template_spool_ref.template_id))`;

/** Whether a row of `template_spool_ref` must stay: nothing can stand on a copy that was never ready, and one that is healed was. */
export const isInUse = sql<boolean>`((template_spool_ref.state = 'Ready'
  or (template_spool_ref.state = 'Creating' and template_spool_ref.sha256 is not null)) and ${usersOfCopy} > 0)`;

export interface UnusedCopy extends CopyUuids {
  readonly templateName: string;
  readonly poolName: string;
}

/** Copies of deleted images that nothing stands on any more, and that no deletion takes care of. Any of them, up to the limit. */
export const unusedCopies = (db: Queryable, limit: number): Promise<readonly UnusedCopy[]> =>
  db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('vm_template.state', '=', 'Inactive')
    .where(sql<boolean>`${usersOfCopy} = 0`)
    .where(
      sql<boolean>`not exists (select from async_job j where j.instance_uuid = vm_template.uuid
        and j.job_status = 0 and j.job_cmd in ('deleteTemplate', 'deleteIso'))`,
    )
    .select([
      'vm_template.uuid as templateId',
      'storage_pool.uuid as poolId',
      'vm_template.name as templateName',
      'storage_pool.name as poolName',
    ])
    .orderBy(sql`random()`)
    .limit(limit)
    .execute();

/** Number of machines because of which a copy must stay. */
export async function usersOf(db: Queryable, copy: CopyUuids): Promise<number> {
  const row = await db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('vm_template.uuid', '=', copy.templateId)
    .where('storage_pool.uuid', '=', copy.poolId)
    .where(isInUse)
    .select(usersOfCopy.as('users'))
    .executeTakeFirst();
  return row?.users ?? 0;
}
