/** What attempts leave behind about where bytes came from: what a copy cost the origin, and peers that gave wrong bytes. */
import { sql } from 'kysely';
import { isPeerUrl, peerHostOf } from '../../model/spread.ts';
import type { Try } from '../../model/payloads.ts';
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';

/** The columns of a copy whose attempt has ended: it serves its part to nobody any more. */
export const NOT_FETCHING = { fetching: null, source_asked: null, source_priority: null } as const;

/** What one try fetched from a source, and how it failed. */
export type CountedTry = Pick<Row<'download_attempt'>, 'source' | 'bytes' | 'failure_kind'>;

/** Adds fetched bytes to what the copy has cost. @param tries that are recorded for the first time */
export async function addCosts(tx: Queryable, copyDbId: number, tries: readonly CountedTry[]): Promise<void> {
  const bytesOf = (some: typeof tries): number => some.reduce((sum, { bytes }) => sum + bytes, 0);
  const fromPeers = bytesOf(tries.filter(({ source }) => isPeerUrl(source)));
  const fromOrigin = bytesOf(tries.filter(({ source }) => !isPeerUrl(source)));
  await tx
    .updateTable('template_spool_ref')
    .set({
      origin_bytes: sql<number>`origin_bytes + ${fromOrigin}`,
      peer_bytes: sql<number>`peer_bytes + ${fromPeers}`,
    })
    .where('id', '=', copyDbId)
    .execute();
}

/** A host that gave wrong bytes, with the copy that it gave them of. */
export interface WrongPeer {
  readonly hostId: string;
  readonly hostName: string;
  readonly templateId: string;
  readonly poolId: string;
  /** What was wrong. */
  readonly message: string;
}

/** The hosts that gave wrong bytes of a copy, by the tries of its latest attempt. */
export async function wrongPeersOf(
  tx: Queryable,
  copyDbId: number,
  tries: readonly Try[],
): Promise<readonly WrongPeer[]> {
  const wrong = new Map(
    tries.flatMap(({ source, failure }) => {
      const hostId = peerHostOf(source);
      return failure?.kind === 'PeerWrong' && hostId !== undefined ? [[hostId, failure.message]] : [];
    }),
  );
  if (wrong.size === 0) return [];
  const rows = await tx
    .selectFrom('template_spool_ref as copy')
    .innerJoin('template_spool_ref as parent', 'parent.id', 'copy.parent_copy_id')
    .innerJoin('vm_template as template', 'template.id', 'parent.template_id')
    .innerJoin('storage_pool as pool', 'pool.id', 'parent.pool_id')
    .innerJoin('host', 'host.id', 'copy.parent_host_id')
    .where('copy.id', '=', copyDbId)
    .where('host.uuid', 'in', [...wrong.keys()])
    .select([
      'host.uuid as hostId',
      'host.name as hostName',
      'template.uuid as templateId',
      'pool.uuid as poolId',
    ])
    .execute();
  return rows.map((row) => ({ ...row, message: wrong.get(row.hostId) ?? '' }));
}

/** Lets hosts that gave wrong bytes not be asked for this copy again. */
export async function noteWrongPeers(
  tx: Queryable,
  copyDbId: number,
  wrong: readonly WrongPeer[],
): Promise<void> {
  for (const { hostId } of wrong) {
    await tx
      .insertInto('copy_wrong_peer')
      .values({
        copy_id: copyDbId,
        host_id: sql<number>`(select id from host where uuid = ${hostId})`,
      })
      .onConflict((conflict) => conflict.columns(['copy_id', 'host_id']).doNothing())
      .execute();
  }
}
