/** New disks of machines that are restored. */
import { sql } from 'kysely';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { idOf } from './ids.ts';
import { poolOf } from './isos.ts';

/**
 * Whether a new disk can be made for a machine.
 * @param templateId another template; absent: the one that it has
 * @throws NotPossible with a sentence
 */
export async function checkRestore(db: Queryable, vmId: string, templateId?: string): Promise<void> {
  const template = await db
    .selectFrom('vm_template')
    .where((eb) =>
      templateId === undefined
        ? eb('id', '=', eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('template_id'))
        : eb('uuid', '=', templateId),
    )
    .select(['id', 'name', 'state'])
    .executeTakeFirst();
  if (template === undefined) throw new NotPossible(`There is no template ${templateId}`);
  if (template.state === 'Active') return;
  const pool = await poolOf(db, vmId);
  const kept = await db
    .selectFrom('template_spool_ref')
    .where('template_id', '=', template.id)
    .where('pool_id', '=', pool?.id ?? 0)
    .where('state', '=', 'Ready')
    .select('id')
    .executeTakeFirst();
  if (kept === undefined)
    throw new NotPossible(`Template ${template.name} was deleted: restore from another one`);
}

/** The new disk of a machine; what is absent is as it was. */
export interface NewDisk {
  readonly templateId?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  readonly diskOfferingId?: string | undefined;
}

/** Gives a machine whose disk is removed a new one, which its next start makes. */
export function renewDisk(db: Database, vmId: string, disk: NewDisk): Promise<void> {
  const { templateId, size, diskOfferingId } = disk;
  return db.transaction().execute(async (tx) => {
    const template =
      templateId === undefined
        ? undefined
        : await tx
            .selectFrom('vm_template')
            .where('uuid', '=', templateId)
            .select(['id', 'virtual_size', 'guest_os_id', 'format'])
            .executeTakeFirst();
    const isIso = template?.format === 'ISO';
    await tx
      .updateTable('volumes')
      .set((eb) => ({
        uuid: sql<string>`gen_random_uuid()`,
        state: 'Allocated' as const,
        ...(template === undefined || isIso ? {} : { template_id: template.id }),
        size: size ?? sql<number>`greatest(${eb.ref('size')}, ${isIso ? 0 : (template?.virtual_size ?? 0)})`,
        ...(diskOfferingId === undefined
          ? {}
          : {
              disk_offering_id: eb
                .selectFrom('disk_offering')
                .where('uuid', '=', diskOfferingId)
                .select('id'),
            }),
      }))
      .where('vm_id', '=', idOf(vmId))
      .where('volume_type', '=', 'ROOT')
      .where('removed', 'is', null)
      .where('pool_id', 'is', null)
      .execute();
    await tx
      .updateTable('vm_instance')
      .set({
        seed_id: sql<string>`gen_random_uuid()`,
        ...(template === undefined ? {} : { template_id: template.id, guest_os_id: template.guest_os_id }),
        ...(isIso ? { iso_id: template.id } : {}),
        updated: sql`now()`,
      })
      .where('uuid', '=', vmId)
      .execute();
  });
}
