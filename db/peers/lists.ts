/** The lists of hosts that those of a zone were told of: a host that was told of an earlier one is told the difference. */
import { sql } from 'kysely';
import type { PeerChange, TrustedPeers } from '../../model/spread.ts';
import { trustedDigest } from '../../trust/tickets.ts';
import type { Queryable } from '../database.ts';

/** Lists of a zone that are kept: the latest ones. A host that was told of an older one is told everything. */
const KEPT = 64;
/** Hosts that a change names at most: about 2 kB. */
const MAX_NAMED = 50;

/** Remembers a list that hosts are told of now. Doing it again changes nothing. */
export async function rememberPeers(
  db: Queryable,
  zoneId: string,
  digest: string,
  hostIds: readonly string[],
): Promise<void> {
  const zone = sql<number>`(select id from data_center where uuid = ${zoneId})`;
  await db
    .insertInto('peer_list')
    .values({ digest, zone_id: zone, host_ids: [...hostIds] })
    .onConflict((conflict) => conflict.column('digest').doUpdateSet({ told: sql`now()` }))
    .execute();
  await sql`
    delete from peer_list where zone_id = ${zone} and told < (
      select told from peer_list where zone_id = ${zone} order by told desc offset ${KEPT} limit 1)`.execute(
    db,
  );
}

/**
 * What hosts that were told of earlier lists lack, by the digests that they report. One is absent where the list is forgotten,
 * where authorities or the key of tickets changed as well, and where too many hosts came or went.
 */
export async function changesOfPeers(
  db: Queryable,
  known: readonly string[],
  trusted: TrustedPeers,
): Promise<ReadonlyMap<string, PeerChange>> {
  if (known.length === 0) return new Map();
  const to = trustedDigest(trusted);
  const present = new Set(trusted.hostIds);
  const lists = await db
    .selectFrom('peer_list')
    .where('digest', 'in', known)
    .select(['digest as from', 'host_ids as hostIds'])
    .execute();
  const changes = new Map<string, PeerChange>();
  for (const { from, hostIds } of lists) {
    if (trustedDigest({ ...trusted, hostIds }) !== from) continue;
    const before = new Set(hostIds);
    const added = trusted.hostIds.filter((id) => !before.has(id));
    const removed = hostIds.filter((id) => !present.has(id));
    if (added.length + removed.length > MAX_NAMED) continue;
    changes.set(from, { v: 1, from, to, added, removed });
  }
  return changes;
}
