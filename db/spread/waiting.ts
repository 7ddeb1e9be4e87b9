/** Copies that wait for a host that gives them. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { uploading, waitsForPeer } from './peers.ts';

/**
 * Copies of the same template in the same zone that wait, as many as the host of this copy and that of its parent have free
 * uploads: the most urgent first. Of equally urgent ones any, so that two calls at the same time name different ones.
 */
export async function copiesToWake(
  db: Queryable,
  { templateId, poolId }: CopyUuids,
): Promise<readonly CopyUuids[]> {
  // Nearly always nobody waits: then uploads are not counted.
  const { rows } = await sql<CopyUuids>`
    with fetched as (
      select copy.id, copy.template_id, copy.fetch_host_id, copy.parent_host_id, pool.data_center_id
      from template_spool_ref copy
      join vm_template template on template.id = copy.template_id
      join storage_pool pool on pool.id = copy.pool_id
      where template.uuid = ${templateId} and pool.uuid = ${poolId})
    select ${templateId} as "templateId", pool.uuid as "poolId"
    from fetched
    join template_spool_ref copy on copy.template_id = fetched.template_id and copy.id <> fetched.id
    join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = fetched.data_center_id
    where ${waitsForPeer}
    order by copy.source_priority, random()
    limit (
      select coalesce(sum(greatest(0, (host.peer ->> 'uploads')::integer - used)), 0)
      from fetched
      join host on host.id in (fetched.fetch_host_id, fetched.parent_host_id)
      cross join ${uploading()}
      where exists (
        select from template_spool_ref copy join fetched on fetched.template_id = copy.template_id
        where ${waitsForPeer} and copy.id <> fetched.id))`.execute(db);
  return rows;
}
