/** What attempts leave behind about where bytes came from: what a copy cost the origin, and peers that gave wrong bytes. */
import { sql } from 'kysely';
import { isPeerUrl, peerHostOf } from '../../model/spread.ts';
import type { Try } from '../../model/payloads.ts';
import type { Queryable } from '../database.ts';

/** The columns of a copy whose attempt has ended: it serves its part to nobody any more. */
export const NOT_FETCHING = { fetching: null, source_asked: null, source_priority: null } as const;

/** Adds fetched bytes to what the copy has cost. @param tries that are recorded for the first time */
export async function addCosts(
  tx: Queryable,
  copyDbId: number,
  tries: readonly { readonly source: string; readonly bytes: number }[],
): Promise<void> {
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

/** A host that gave wrong bytes. */
export interface WrongPeer {
  readonly id: string;
  readonly name: string;
  /** What was wrong. */
  readonly message: string;
}

/** Notes hosts that gave wrong bytes, which are not asked for this copy again. */
export async function noteWrongPeers(
  tx: Queryable,
  copyDbId: number,
  tries: readonly Try[],
): Promise<readonly WrongPeer[]> {
  const wrong = tries.flatMap(({ source, failure }) => {
    const hostId = peerHostOf(source);
    return failure?.kind === 'PeerWrong' && hostId !== undefined
      ? [{ hostId, message: failure.message }]
      : [];
  });
  if (wrong.length === 0) return [];
  const ids = wrong.map(({ hostId }) => hostId);
  const hosts = await tx.selectFrom('host').where('uuid', 'in', ids).select(['id', 'uuid', 'name']).execute();
  if (hosts.length > 0) {
    await tx
      .insertInto('copy_wrong_peer')
      .values(hosts.map(({ id }) => ({ copy_id: copyDbId, host_id: id })))
      .onConflict((conflict) => conflict.columns(['copy_id', 'host_id']).doNothing())
      .execute();
  }
  return hosts.map(({ uuid, name }) => ({
    id: uuid,
    name,
    message: wrong.find(({ hostId }) => hostId === uuid)?.message ?? '',
  }));
}
