/**
 * Damaged copies are healed by another download, and no file is changed for it:
 *
 *   unused           the copy is deployed again, piece by piece where hashes of its pieces are known and the pool has room for
 *                    both files; else it is removed before
 *   under machines   that are all stopped: the copy is deployed again. The host finds that the file is not the image, brings
 *                    a new one (piece by piece where it can), moves the old one aside and gives the new one its name.
 *                    Machines that are to start wait for it
 *   in use           it stays until the last of its machines stops; each look tries again
 *
 * Disks stand on the very bytes that were published. So under machines only the image with the recorded SHA-256 is taken
 * (`checksumOf`), and a copy whose image cannot be proven, since its source is packed and has no checksum, stays as it is.
 * A healing that fails leaves a copy under machines as it was: ready, and damaged; an unused one is Failed, and comes when it is
 * asked for again. Where no hashes of pieces are known, another copy of the image that seems right is hashed first; if that has
 * brought none until the next look, the image is fetched as a whole.
 */
import { sql } from 'kysely';
import { pieceLengthOf } from '../../model/image-pieces.ts';
import type { Database, Queryable } from '../database.ts';
import { canWorkOnFiles, hasFeature, isUp } from '../hosts/hosts.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { usersOfCopy } from './users.ts';

/** What a damaged copy needs. */
export type Remedy = 'remove' | 'replace' | { readonly first: RightCopy };

/** Another copy of the same image, and a host that can hash it. */
export interface RightCopy extends CopyUuids {
  readonly hostId: string;
  readonly hostName: string;
}

export const DAMAGED = 'the file on the pool is not the image any more that was published there';

/** Columns of a copy whose file is damaged and stays. */
export const STAYS_DAMAGED = {
  state: 'Ready',
  download_state: 'DOWNLOADED',
  error_str: DAMAGED,
  error_kind: 'ContentRefused',
} as const;

/** Whether disks of machines stand on what a row of `template_spool_ref` once published. */
export const carriesMachines = sql<boolean>`(template_spool_ref.sha256 is not null and ${usersOfCopy} > 0)`;

/** Whether one of them may have the file open. */
const isOpen = sql<boolean>`exists (
  select from vm_instance vm join volumes v on v.vm_id = vm.id and v.removed is null
  where vm.removed is null and v.pool_id = template_spool_ref.pool_id
    and (v.template_id = template_spool_ref.template_id or vm.iso_id = template_spool_ref.template_id)
    and (vm.state not in ('Stopped', 'Destroyed', 'Error')
      or (vm.host_id is not null and vm.power_state not in ('PowerOff', 'PowerReportMissing'))))`;

/** Whether a download can prove that it is the image that was published. */
const isProvable = sql<boolean>`(vm_template.checksum is not null or vm_template.compression is null)`;

/**
 * Whether a row of `template_spool_ref` can be brought anew piece by piece while its damaged file is there: the hashes are
 * known, every host of the pool that is Up heeds them, and the pool has room for both files.
 */
export const healsByPieces = sql<boolean>`(
  exists (select from image_pieces where image_pieces.sha256 = template_spool_ref.sha256)
  and not exists (
    select from storage_pool_host_ref r join host on host.id = r.host_id
    where r.pool_id = template_spool_ref.pool_id and ${isUp} and not ${hasFeature('healing')})
  and exists (
    select from storage_pool pool where pool.id = template_spool_ref.pool_id
      and pool.free_bytes - coalesce((select sum(r.bytes) from pool_reservation r where r.pool_id = pool.id), 0)
        >= template_spool_ref.template_size))`;

/** An image of one piece is fetched as a whole in any case. */
const ONE_PIECE = pieceLengthOf(0);

/**
 * Another copy of the image of a damaged one, if its hashes of pieces are to be had first.
 * @param copyDbId of the damaged one
 * @returns undefined also where they are known, or were asked for since the copy was last right
 */
export async function rightCopyElsewhere(tx: Queryable, copyDbId: number): Promise<RightCopy | undefined> {
  const { rows } = await sql<RightCopy>`
    select template.uuid as "templateId", pool.uuid as "poolId", host.uuid as "hostId", host.name as "hostName"
    from template_spool_ref copy
    join template_spool_ref other on other.sha256 = copy.sha256 and other.id <> copy.id
      and other.state = 'Ready' and other.error_kind is null
    join vm_template template on template.id = other.template_id
    join storage_pool pool on pool.id = other.pool_id
    join storage_pool_host_ref r on r.pool_id = pool.id
    join host on host.id = r.host_id and ${canWorkOnFiles('healing')}
    where copy.id = ${copyDbId} and copy.template_size > ${ONE_PIECE}
      and coalesce(copy.healing_begun < copy.verified, true)
      and not exists (select from image_pieces where image_pieces.sha256 = copy.sha256)
    limit 1`.execute(tx);
  return rows[0];
}

const damaged = (db: Queryable) =>
  db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('template_spool_ref.state', '=', 'Ready')
    .where('template_spool_ref.error_kind', 'is not', null)
    .where('vm_template.state', '=', 'Active')
    .where('storage_pool.state', '=', 'Up')
    .where(sql<boolean>`(${usersOfCopy} = 0 or (${isProvable} and not ${isOpen}))`);

const namedDamaged = (db: Queryable) =>
  damaged(db).select(['vm_template.uuid as templateId', 'storage_pool.uuid as poolId']);

/** Damaged copies of an image that can be healed now. */
export const damagedCopiesOf = (
  db: Queryable,
  sha256: string,
  limit: number,
): Promise<readonly CopyUuids[]> =>
  namedDamaged(db).where('template_spool_ref.sha256', '=', sha256).limit(limit).execute();

/** Damaged copies that can be healed now. A healing that has just failed is not tried again at once. */
export const copiesToHeal = (
  db: Queryable,
  againSeconds: number,
  limit: number,
): Promise<readonly CopyUuids[]> =>
  namedDamaged(db)
    .where(
      sql<boolean>`coalesce(template_spool_ref.healing_begun < now() - make_interval(secs => ${againSeconds}), true)`,
    )
    .orderBy(sql`random()`)
    .limit(limit)
    .execute();

/**
 * Begins to heal a damaged copy: no machine is placed on it, and from then on none that stands on it starts.
 * @returns undefined when it cannot be healed now
 */
export function beginHealing(db: Database, { templateId, poolId }: CopyUuids): Promise<Remedy | undefined> {
  return db.transaction().execute(async (tx) => {
    // A machine that starts at the same time locks the row as well.
    const row = await tx
      .selectFrom('template_spool_ref')
      .where('template_id', '=', (eb) =>
        eb.selectFrom('vm_template').where('uuid', '=', templateId).select('id'),
      )
      .where('pool_id', '=', (eb) => eb.selectFrom('storage_pool').where('uuid', '=', poolId).select('id'))
      .select('id')
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const found = await damaged(tx)
      .where('template_spool_ref.id', '=', row.id)
      .select([usersOfCopy.as('users'), healsByPieces.as('byPieces')])
      .executeTakeFirst();
    if (found === undefined) return undefined;
    const first = await rightCopyElsewhere(tx, row.id);
    const remedy = found.users === 0 && !found.byPieces ? 'remove' : 'replace';
    const begins = first === undefined && remedy === 'replace';
    await tx
      .updateTable('template_spool_ref')
      .set({
        // Until its removal begins, such a copy stays what it is: damaged, so that the next look finds it again.
        ...(begins ? ({ state: 'Creating', download_state: 'DOWNLOAD_IN_PROGRESS' } as const) : {}),
        healing_begun: sql<Date>`now()`,
        last_updated: sql<Date>`now()`,
      })
      .where('id', '=', row.id)
      .execute();
    return first === undefined ? remedy : { first };
  });
}

/** Machines whose disks or drives stand on a copy, by name. */
export const machinesOf = (
  tx: Queryable,
  copyDbId: number,
): Promise<readonly { readonly vmId: string; readonly name: string; readonly accountId: string }[]> =>
  tx
    .selectFrom('template_spool_ref as copy')
    .innerJoin('volumes as v', 'v.pool_id', 'copy.pool_id')
    .innerJoin('vm_instance as vm', 'vm.id', 'v.vm_id')
    .innerJoin('account', 'account.id', 'vm.account_id')
    .where('copy.id', '=', copyDbId)
    .where('v.removed', 'is', null)
    .where('vm.removed', 'is', null)
    .where(sql<boolean>`(v.template_id = copy.template_id or vm.iso_id = copy.template_id)`)
    .select(['vm.uuid as vmId', 'vm.display_name as name', 'account.uuid as accountId'])
    .distinct()
    .orderBy('vm.display_name')
    .execute();
