/** Rows of what a fleet needs (peers, roll-outs, files of pools), in a database whose schema is recorded. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../../../db/database.ts';

export interface FleetRowIds {
  readonly zone: { readonly id: number; readonly uuid: string };
  readonly host: { readonly id: number; readonly uuid: string };
  readonly template: number;
  /** The uuid of a copy. */
  readonly copy: string;
  /** Its uuid. */
  readonly pool: string;
  /** The uuid of a job of `prepareTemplate`. */
  readonly job: string;
}

export async function addFleetRows(db: Database, ids: FleetRowIds): Promise<void> {
  await addPeerRows(db, ids);
  await db
    .insertInto('call_count')
    .values({ kind: 'calls', caller: 'hash', window_ends: new Date('2040-01-01'), issued: 1 })
    .execute();
  await db.insertInto('stray_domain').values({ vm_uuid: randomUUID(), host_id: ids.host.id }).execute();
  await db
    .insertInto('template_rollout')
    .values((eb) => ({
      job_id: eb.selectFrom('async_job').where('uuid', '=', ids.job).select('id'),
      template_id: ids.template,
      zone_id: ids.zone.id,
      selection: 'zone' as const,
      origin: 'origin.test:80',
    }))
    .execute();
  await db
    .insertInto('storage_pool_file')
    .values((eb) => ({
      pool_id: eb.selectFrom('storage_pool').where('uuid', '=', ids.pool).select('id'),
      name: 'notes.txt',
      finding: 'unknown' as const,
      role: 'other',
      file_type: 'file',
      size: 12,
      physical_size: 4096,
      inode: '7',
      modified: new Date('2026-01-01'),
      look: randomUUID(),
    }))
    .execute();
}

async function addPeerRows(db: Database, { zone, host, template, copy }: FleetRowIds): Promise<void> {
  await db
    .insertInto('peer_key')
    .values({ purpose: 'authority', public_part: 'PEM', key_sealed: 'sealed' })
    .execute();
  await db
    .insertInto('peer_list')
    .values({ digest: 'digest', zone_id: zone.id, host_ids: [host.uuid] })
    .execute();
  await db
    .insertInto('copy_wrong_peer')
    .values((eb) => ({
      copy_id: eb.selectFrom('template_spool_ref').where('uuid', '=', copy).select('id'),
      host_id: host.id,
    }))
    .execute();
  await db
    .insertInto('image_lineage')
    .values({ lineage: randomUUID(), template_id: template, sha256: 'ab'.repeat(32) })
    .execute();
}
