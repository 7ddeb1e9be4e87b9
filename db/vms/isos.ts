/** The ISO in a machine's CD-ROM drive. */
import { sql } from 'kysely';
import type { ChangeIsoJob } from '../../model/vm-payloads.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { idOf } from './ids.ts';
import { lockCopies } from './images.ts';

/** Where an ISO must be for a machine, with the names that people see. @throws NotPossible */
export async function isoPlace(
  db: Queryable,
  vmId: string,
  isoId: string,
): Promise<{ readonly name: string; readonly poolId: string; readonly poolName: string }> {
  const [pool, iso] = await Promise.all([poolOf(db, vmId), isoOf(db, isoId)]);
  if (pool === undefined) throw new NotPossible('The machine has no disk on any pool');
  return { name: iso.name, poolId: pool.uuid, poolName: pool.name };
}

/** Of its disk. */
export const poolOf = (db: Queryable, vmId: string) =>
  db
    .selectFrom('storage_pool')
    .innerJoin('volumes', 'volumes.pool_id', 'storage_pool.id')
    .where('volumes.vm_id', '=', idOf(vmId))
    .where('volumes.volume_type', '=', 'ROOT')
    .where('volumes.removed', 'is', null)
    .select(['storage_pool.id', 'storage_pool.uuid', 'storage_pool.name'])
    .executeTakeFirst();

const isoOf = (db: Queryable, isoId: string) =>
  db
    .selectFrom('vm_template')
    .where('uuid', '=', isoId)
    .where('format', '=', 'ISO')
    .select(['id', 'uuid', 'name', 'state'])
    .executeTakeFirstOrThrow(() => new NotPossible(`There is no ISO ${isoId}`));

/**
 * Attaches an ISO to a machine by its row, or detaches the one that is. A machine that has a domain gets one only while the
 * ISO's copy on its pool is ready; from then on the copy is in use.
 * @param isoId null: none
 * @returns whether it is so
 */
export function setIso(db: Database, vmId: string, isoId: string | null): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const iso = isoId === null ? null : await isoOf(tx, isoId);
    const machine = await tx
      .selectFrom('vm_instance')
      .where('uuid', '=', vmId)
      .where('removed', 'is', null)
      .select(['state', 'iso_id'])
      .forUpdate()
      .executeTakeFirst();
    if (machine === undefined) throw new NotPossible('The virtual machine does not exist any more');
    if (iso !== null && iso.id !== machine.iso_id) {
      if (machine.state === 'Running') {
        const pool = await poolOf(tx, vmId);
        const ready =
          pool !== undefined &&
          (await lockCopies(tx, pool.uuid, [{ id: iso.id, templateId: iso.uuid }])).size > 0;
        if (!ready) return false;
      } else if (iso.state !== 'Active') throw new NotPossible(`ISO ${iso.name} was deleted`);
    }
    await tx
      .updateTable('vm_instance')
      .set({ iso_id: iso?.id ?? null, updated: sql`now()` })
      .where('uuid', '=', vmId)
      .execute();
    return true;
  });
}

/** What the host of a machine is to put into its CD-ROM drive. @param isoId null: nothing */
export async function isoChange(
  db: Queryable,
  vmId: string,
  isoId: string | null,
): Promise<Omit<ChangeIsoJob, 'forced'>> {
  const pool = await poolOf(db, vmId);
  if (pool === undefined) throw new NotPossible('The machine has no disk on any pool');
  const copy =
    isoId === null
      ? undefined
      : await db
          .selectFrom('template_spool_ref')
          .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
          .where('template_spool_ref.pool_id', '=', pool.id)
          .where('vm_template.uuid', '=', isoId)
          .select('template_spool_ref.uuid')
          .executeTakeFirstOrThrow(
            () => new NotPossible('The ISO is not on the pool of the machine any more'),
          );
  return {
    v: 1,
    vmId,
    poolId: pool.uuid,
    ...(copy === undefined ? {} : { iso: { copyId: copy.uuid, format: 'ISO' as const } }),
  };
}
