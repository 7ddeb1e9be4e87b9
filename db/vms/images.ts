/** The images that machines need: their template, below an overlay, and the ISO in their CD-ROM drive. */
import { sql } from 'kysely';
import { noteWanted } from '../copies/copies.ts';
import type { Queryable } from '../database.ts';

export interface NeededImage {
  readonly id: number;
  readonly templateId: string;
  readonly name: string;
  /** It was deleted, so that no host can fetch it any more. */
  readonly lost: boolean;
}

/** @param vm numeric id */
export const imagesOf = (tx: Queryable, vm: number): Promise<readonly NeededImage[]> =>
  tx
    .selectFrom('vm_template')
    .where(
      sql<boolean>`vm_template.id in (
        select v.template_id from volumes v where v.vm_id = ${vm} and v.removed is null
        union select vm.iso_id from vm_instance vm where vm.id = ${vm})`,
    )
    .select(['id', 'uuid as templateId', 'name', sql<boolean>`vm_template.state <> 'Active'`.as('lost')])
    .orderBy('id')
    .execute();

/**
 * Locks the copies of these images on a pool, so that none of them begins to be removed before the caller has recorded
 * that a machine stands on it.
 * @returns UUIDs of the images whose copies are ready
 */
export async function lockCopies(
  tx: Queryable,
  poolId: string,
  images: readonly Pick<NeededImage, 'id' | 'templateId'>[],
): Promise<ReadonlySet<string>> {
  if (images.length === 0) return new Set();
  const copies = await tx
    .selectFrom('template_spool_ref')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('storage_pool.uuid', '=', poolId)
    .where(
      'template_spool_ref.template_id',
      'in',
      images.map(({ id }) => id),
    )
    .select(['template_spool_ref.id', 'template_spool_ref.template_id', 'template_spool_ref.state'])
    .orderBy('template_spool_ref.id')
    .forUpdate('template_spool_ref')
    .execute();
  if (copies.length > 0)
    await noteWanted(
      tx,
      copies.map(({ id }) => id),
    );
  const ready = new Set(copies.flatMap((copy) => (copy.state === 'Ready' ? [copy.template_id] : [])));
  return new Set(images.flatMap(({ id, templateId }) => (ready.has(id) ? [templateId] : [])));
}
