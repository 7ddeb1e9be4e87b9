/**
 * Chooses where a copy is fetched from: at the origin, at a host that has it (a peer), or nowhere yet. The choice is made and
 * recorded in one transaction, and choices of a zone take turns, so that no two of them count on the same free upload.
 *
 *   origin   fewer copies than `direct.download.origin.fetches` are fetched there now, and no host has a published copy;
 *            or peers are off, or this host takes no part, or peers have failed it
 *   peer     a host that is Up, has a door, and has the copy, published or under way, with a free upload
 *   wait     hosts have it, but every upload is taken, or free ones are kept for copies that are wanted more urgently
 *
 * What must never happen: a circle of hosts that fetch from each other; a copy that waits although no host can serve it.
 */
import { sql } from 'kysely';
import { originFetchesOf } from '../../model/configurations.ts';
import type { PeerSource } from '../../model/spread.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { configurationValues } from '../zones/configurations.ts';
import { takesPart } from './door.ts';
import { bestPeer, othersOf, peersOf } from './peers.ts';
import type { Asker, Peer, Peers } from './peers.ts';

export interface SourceQuestion {
  readonly copyId: string;
  /** The host that fetches. */
  readonly hostId: string;
  /** Hosts that failed as peers of this copy since it last came further. */
  readonly failedPeers: readonly string[];
  /** 1 goes before 5. */
  readonly priority: number;
}

/** A peer without its ticket. */
export interface ChosenPeer {
  readonly peer: Omit<PeerSource, 'ticket'>;
  readonly hostName: string;
  /** Hosts between the asking one and the origin. */
  readonly depth: number;
}

/** Why there is no source yet. */
export interface SourceWait {
  /** For administrators: it may name hosts. */
  readonly reason: string;
  readonly publicReason: string;
}

export type Chosen = { readonly origin: true } | ChosenPeer | { readonly wait: SourceWait };

/** Failures of peers in a row after which the origin is asked. */
const PATIENCE_WITH_PEERS = 2;

/** @throws NotPossible when the copy or the host is gone */
export function chooseSource(db: Database, question: SourceQuestion): Promise<Chosen> {
  return db.transaction().execute(async (tx) => {
    const asker = await askerOf(tx, question);
    const most = originFetchesOf(await configurationValues(tx, asker.zoneDbId));
    if (most === 0 || !asker.takesPart) return fetchAtOrigin(tx, asker);
    // One lock for all templates of the zone, since they share the uploads of its hosts.
    await sql`select pg_advisory_xact_lock(hashtextextended('spread', ${asker.zoneDbId}))`.execute(tx);
    if (question.failedPeers.length >= PATIENCE_WITH_PEERS) return fetchAtOrigin(tx, asker);
    const peer = await bestPeer(tx, asker, question);
    const { atOrigin, moreUrgent } = await othersOf(tx, asker, question);
    if (peer !== undefined && moreUrgent === 0 && (peer.published || atOrigin >= most)) {
      return fetchFrom(tx, asker, peer);
    }
    const peers = await peersOf(tx, asker, question);
    if (!peers.hasPublished && peers.atOrigin < most) return fetchAtOrigin(tx, asker);
    const { best, count, uploads, used } = peers;
    if (best !== null && uploads - used > peers.moreUrgent) return fetchFrom(tx, asker, best);
    // Nothing can come of a wait, unless a file is being unpacked at the moment: then it is served when it is published.
    if (count === 0 && !(asker.isPacked && peers.atOrigin > 0)) return fetchAtOrigin(tx, asker);
    return waitFor(tx, asker, question, peers);
  });
}

async function askerOf(tx: Queryable, { copyId, hostId }: SourceQuestion): Promise<Asker> {
  const copy = await tx
    .selectFrom('template_spool_ref as copy')
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
    .where('copy.uuid', '=', copyId)
    .select([
      'copy.id',
      'copy.template_id as templateDbId',
      'pool.data_center_id as zoneDbId',
      'template.compression',
    ])
    .executeTakeFirst();
  if (copy === undefined) throw new NotPossible('The pool was removed, and the copy with it');
  const host = await tx
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select(['id', 'cluster_id', takesPart.as('takesPart')])
    .executeTakeFirst();
  if (host === undefined) throw new NotPossible(`There is no host ${hostId}`);
  const { compression, ...rest } = copy;
  return {
    ...rest,
    hostDbId: host.id,
    clusterDbId: host.cluster_id,
    takesPart: host.takesPart,
    isPacked: compression !== null,
  };
}

async function fetchAtOrigin(tx: Queryable, asker: Asker): Promise<Chosen> {
  await record(tx, asker, {
    fetching: 'origin',
    parent_copy_id: null,
    parent_host_id: null,
    depth: 0,
    lineage: null,
  });
  return { origin: true };
}

async function fetchFrom(tx: Queryable, asker: Asker, peer: Peer): Promise<Chosen> {
  const depth = peer.depth + 1;
  await record(tx, asker, {
    fetching: 'peer',
    parent_copy_id: peer.copyDbId,
    parent_host_id: peer.hostDbId,
    depth,
    lineage: peer.lineage,
  });
  const { hostId, copyId, address, sha256, hostName } = peer;
  return {
    peer: {
      hostId,
      copyId,
      address,
      ...(sha256 === null ? {} : { sha256 }),
      ...(asker.isPacked ? { unpacked: true } : {}),
    },
    hostName,
    depth,
  };
}

interface Source {
  readonly fetching: 'origin' | 'peer';
  readonly parent_copy_id: number | null;
  readonly parent_host_id: number | null;
  readonly depth: number;
  /** As far as it is known before the copy is there. */
  readonly lineage: string | null;
}

const record = (tx: Queryable, { id, hostDbId }: Asker, source: Source): Promise<unknown> =>
  tx
    .updateTable('template_spool_ref')
    .set({ ...source, fetch_host_id: hostDbId, source_asked: null, source_priority: null })
    .where('id', '=', id)
    .where('state', '=', 'Creating')
    .execute();

async function waitFor(
  tx: Queryable,
  asker: Asker,
  { priority }: SourceQuestion,
  { count: serving, names, uploads, used }: Peers,
): Promise<Chosen> {
  await tx
    .updateTable('template_spool_ref')
    .set({ fetching: null, source_asked: sql`now()`, source_priority: priority })
    .where('id', '=', asker.id)
    .execute();
  const { count } = await tx
    .selectFrom('template_spool_ref as copy')
    .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
    .where('copy.template_id', '=', asker.templateDbId)
    .where('pool.data_center_id', '=', asker.zoneDbId)
    .where('copy.source_asked', 'is not', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const want = count === 1 ? '1 host wants it' : `${count} hosts want it`;
  if (serving === 0) {
    const publicReason = `${want}, and the first one has not unpacked it yet: then it gives it to the others`;
    return { wait: { reason: publicReason, publicReason } };
  }
  const publicReason =
    `${want}, and ${used} of ${uploads} uploads of the hosts that have it are taken: ` +
    'the next is free when one of these hosts has it';
  const more = serving > names.length ? `, and ${serving - names.length} more` : '';
  return { wait: { reason: `${publicReason} (${names.join(', ')}${more})`, publicReason } };
}
