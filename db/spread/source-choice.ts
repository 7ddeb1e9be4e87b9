/**
 * Chooses where a copy is fetched from: at the origin, at a host that has it (a peer), or nowhere yet. The choice is made and
 * recorded in one transaction, and choices of a zone take turns, so that no two of them count on the same free upload.
 *
 *   origin   fewer copies than `direct.download.origin.fetches` are fetched there now, and no host has a published copy, or
 *            two peers have failed it; above that limit when four have within half a minute or more, or when no host can
 *            serve it; or peers are off, or this host takes no part
 *   peer     a host that is Up, has a door, and has the copy, published or under way, with a free upload
 *   wait     hosts have it, but every upload is taken, or free ones are kept for copies that are wanted more urgently, or
 *            this host has just been started, and others let it in in a moment, or many have failed within seconds
 *
 * A host that fetches from the origin counts as long as it is Up, also for those that cannot reach it: else each whose own line
 * is cut would be sent to the origin. When it is dead, exactly one of those behind it finds nobody else that can serve it
 * (peers.ts, `peersOf`), and takes its place. That takes two failures as well: a connection may break once, so the host that
 * failed is asked again before.
 *
 * What must never happen: a circle of hosts that fetch from each other; a copy that waits although no host can serve it.
 */
import { sql } from 'kysely';
import { originFetchesOf } from '../../model/configurations.ts';
import type { ConfigurationValues } from '../../model/configurations.ts';
import type { PeerSource } from '../../model/spread.ts';
import { inTransaction } from '../database.ts';
import type { Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { valuesOf } from '../zones/configurations.ts';
import { isArriving, takesPart } from './door.ts';
import { bestPeer, othersOf, peersOf, replacedBy, suspectsOf } from './peers.ts';
import type { Asker, Distrusted, Others, Peer, Peers, Replaced } from './peers.ts';

export interface SourceQuestion {
  readonly copyId: string;
  /** The host that fetches. */
  readonly hostId: string;
  /** Hosts that failed as peers of this copy, the latest last. */
  readonly failedPeers: readonly string[];
  /** How many of them failed since the copy last came further. Absent: all. */
  readonly peerStrikes?: number;
  /** Milliseconds since the first of these failures. Absent, as in what workers of earlier releases ask: long enough. */
  readonly peersFailMs?: number;
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

export interface ChosenOrigin {
  readonly origin: true;
  /** Downloads that are still under way at the origin, and that this one replaces. */
  readonly inPlaceOf?: readonly Replaced[];
}

export type Chosen = ChosenOrigin | ChosenPeer | { readonly wait: SourceWait };

/** Failures of peers in a row after which the origin is asked: if it may take one more copy, and in any case. */
const [STRIKES, MAX_STRIKES] = [2, 4];
/**
 * Before it is asked in any case, peers must have failed for so long: a host whose own line is cut reaches nobody, and would be
 * sent to the origin when its line is just back. Until then further peers are asked, one in a while.
 */
const [PATIENCE_MS, PAUSE_MS] = [30_000, 5000];

/** @throws NotPossible when the copy or the host is gone */
export function chooseSource(db: Queryable, question: SourceQuestion): Promise<Chosen> {
  return inTransaction(db, async (tx) => {
    const { values, ...asker } = await askerOf(tx, question);
    const most = originFetchesOf(values);
    if (most === 0 || !(asker.takesPart || asker.isArriving)) return fetchAtOrigin(tx, asker);
    // One lock for all templates of the zone, since they share the uploads of its hosts.
    await sql`select pg_advisory_xact_lock(hashtextextended('spread', ${asker.zoneDbId}))`.execute(tx);
    const {
      failedPeers,
      peerStrikes: strikes = failedPeers.length,
      peersFailMs = Infinity,
      priority,
    } = question;
    const before = failedPeers.slice(0, Math.max(0, failedPeers.length - strikes));
    const distrusted = {
      failedPeers: failedPeers.slice(before.length),
      suspects: [...before, ...(await suspectsOf(tx, asker))],
    };
    const others = await othersOf(tx, asker, priority);
    const mayAskOrigin = others.atOrigin < most;
    if (strikes >= STRIKES && mayAskOrigin) return fetchAtOrigin(tx, asker);
    if (strikes >= MAX_STRIKES) {
      if (peersFailMs >= PATIENCE_MS) return fetchAtOrigin(tx, asker);
      if (strikes >= MAX_STRIKES + Math.floor(peersFailMs / PAUSE_MS))
        return waitForPeers(tx, asker, priority, strikes);
    }
    return chooseAmongPeers(tx, asker, distrusted, { others, mayAskOrigin, priority, strikes });
  });
}

interface Situation {
  readonly others: Others;
  /** Whether one more copy may be fetched from the origin. */
  readonly mayAskOrigin: boolean;
  /** Of the asker: 1 goes before 5. */
  readonly priority: number;
  /** Peers that failed since the copy last came further. */
  readonly strikes: number;
}

async function chooseAmongPeers(
  tx: Queryable,
  asker: Asker,
  distrusted: Distrusted,
  { others, mayAskOrigin, priority, strikes }: Situation,
): Promise<Chosen> {
  const { moreUrgent, atOrigin } = others;
  const peer = !asker.isArriving ? await bestPeer(tx, asker, distrusted) : undefined;
  if (peer !== undefined && moreUrgent === 0 && (peer.published || !mayAskOrigin)) {
    return fetchFrom(tx, asker, peer);
  }
  let peers = await peersOf(tx, asker, distrusted);
  if (!peers.hasPublished && mayAskOrigin) return fetchAtOrigin(tx, asker);
  if (peers.count === 0 && strikes < STRIKES) peers = await peersOf(tx, asker, onlySuspecting(distrusted));
  // Nothing can come of a wait, unless a file is being unpacked at the moment: then it is served when it is published.
  if (peers.count === 0 && !(asker.isPacked && atOrigin > 0)) {
    const inPlaceOf = await replacedBy(tx, asker, distrusted);
    return { ...(await fetchAtOrigin(tx, asker)), ...(inPlaceOf.length === 0 ? {} : { inPlaceOf }) };
  }
  if (asker.isArriving) return waitForArrival(tx, asker, priority);
  const { best, uploads, used } = peers;
  if (best !== null && uploads - used > moreUrgent) return fetchFrom(tx, asker, best);
  return waitForUpload(tx, asker, priority, { peers, others });
}

const onlySuspecting = ({ failedPeers, suspects }: Distrusted): Distrusted => ({
  failedPeers: [],
  suspects: [...suspects, ...failedPeers],
});

/** With what is set for its zone. */
async function askerOf(
  tx: Queryable,
  { copyId, hostId }: SourceQuestion,
): Promise<Asker & { readonly values: ConfigurationValues }> {
  const found = await tx
    .selectFrom('template_spool_ref as copy')
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
    .leftJoin('host', (join) => join.on('host.uuid', '=', hostId))
    .where('copy.uuid', '=', copyId)
    .select([
      'copy.id',
      'copy.template_id as templateDbId',
      'pool.data_center_id as zoneDbId',
      'template.compression',
      'host.id as hostDbId',
      'host.cluster_id as clusterDbId',
      takesPart.as('takesPart'),
      isArriving.as('isArriving'),
      valuesOf(sql.ref('pool.data_center_id')).as('values'),
    ])
    .executeTakeFirst();
  if (found === undefined) throw new NotPossible('The pool was removed, and the copy with it');
  const { compression, hostDbId, clusterDbId, ...rest } = found;
  if (hostDbId === null || clusterDbId === null) throw new NotPossible(`There is no host ${hostId}`);
  return { ...rest, hostDbId, clusterDbId, isPacked: compression !== null };
}

async function fetchAtOrigin(tx: Queryable, asker: Asker): Promise<ChosenOrigin> {
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

function waitForPeers(tx: Queryable, asker: Asker, priority: number, failures: number): Promise<Chosen> {
  const reason = `hosts that have it could not be reached ${failures} times in a row: another one is asked in some seconds, and the origin if that goes on`;
  return waitFor(tx, asker, priority, { reason, publicReason: reason });
}

function waitForArrival(tx: Queryable, asker: Asker, priority: number): Promise<Chosen> {
  const reason =
    'the host has just been started: other hosts let it in as soon as it has its certificate and they were told of it';
  return waitFor(tx, asker, priority, { reason, publicReason: reason });
}

function waitForUpload(
  tx: Queryable,
  asker: Asker,
  priority: number,
  { peers, others }: { readonly peers: Peers; readonly others: Others },
): Promise<Chosen> {
  const { count: serving, names, uploads, used } = peers;
  const want = others.waiting === 0 ? '1 host wants it' : `${others.waiting + 1} hosts want it`;
  if (serving === 0) {
    const publicReason = `${want}, and the first one has not unpacked it yet: then it gives it to the others`;
    return waitFor(tx, asker, priority, { reason: publicReason, publicReason });
  }
  const publicReason =
    `${want}, and ${used} of ${uploads} uploads of the hosts that have it are taken: ` +
    'the next is free when one of these hosts has it';
  const more = serving > names.length ? `, and ${serving - names.length} more` : '';
  return waitFor(tx, asker, priority, {
    reason: `${publicReason} (${names.join(', ')}${more})`,
    publicReason,
  });
}

async function waitFor(tx: Queryable, { id }: Asker, priority: number, wait: SourceWait): Promise<Chosen> {
  await tx
    .updateTable('template_spool_ref')
    .set({ fetching: null, source_asked: sql`now()`, source_priority: priority })
    .where('id', '=', id)
    .execute();
  return { wait };
}
