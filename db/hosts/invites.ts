/** One-time tokens by which hosts are admitted. Only a hash of the secret is kept. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';

export interface Invite {
  readonly id: string;
  readonly secretHash: string;
}

/** @param invite `zoneId` limits it to one zone (a UUID) */
export async function recordInvite(
  db: Queryable,
  invite: Invite & { readonly expiresHours: number; readonly zoneId?: string },
): Promise<{ readonly expires: Date }> {
  return db
    .insertInto('host_invite')
    .values({
      uuid: invite.id,
      secret_hash: invite.secretHash,
      data_center_id:
        invite.zoneId === undefined
          ? null
          : sql<number>`(select id from data_center where uuid = ${invite.zoneId})`,
      expires: sql<Date>`now() + make_interval(hours => ${invite.expiresHours})`,
    })
    .returning('expires')
    .executeTakeFirstOrThrow();
}

/** An invite that may still admit a host to this zone: not expired and not used. */
export const findInvite = (
  db: Queryable,
  id: string,
  { zoneId }: { readonly zoneId: number },
): Promise<Invite | undefined> =>
  db
    .selectFrom('host_invite')
    .where('uuid', '=', id)
    .where('expires', '>', sql<Date>`now()`)
    .where('used_by', 'is', null)
    .where((eb) => eb.or([eb('data_center_id', 'is', null), eb('data_center_id', '=', zoneId)]))
    .select(['uuid as id', 'secret_hash as secretHash'])
    .executeTakeFirst();

/** @returns false when another host used it first */
export async function spendInvite(db: Queryable, id: string, hostId: string): Promise<boolean> {
  const spent = await db
    .updateTable('host_invite')
    .set({ used_by: hostId })
    .where('uuid', '=', id)
    .where('used_by', 'is', null)
    .executeTakeFirst();
  return spent.numUpdatedRows > 0n;
}
