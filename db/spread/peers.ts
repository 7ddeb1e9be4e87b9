/** The hosts that could serve a copy to another, in the order in which they are taken. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { peerHostOf } from '../../model/spread.ts';
import { isEnabled, isUp, UP_SECONDS } from '../hosts/hosts.ts';
import { takesPart } from './door.ts';

/** The copy that is to be fetched, and the host that fetches it. */
export interface Asker {
  /** Keys of the copy's row and of what belongs to it. */
  readonly id: number;
  readonly templateDbId: number;
  readonly zoneDbId: number;
  readonly hostDbId: number;
  readonly clusterDbId: number;
  readonly takesPart: boolean;
  /** It can fetch from others in a moment, and not yet. */
  readonly isArriving: boolean;
  /** A packed file is served as the image that a host has unpacked from it, and published. */
  readonly isPacked: boolean;
}

/** Hosts that others go before, as UUIDs. */
export interface Distrusted {
  /** Hosts that failed as peers of the copy since it last came further: they are not taken, and whoever fetches by way of them comes last. */
  readonly failedPeers: readonly string[];
  /** Hosts that failed before, or others could not fetch from a moment ago: they are taken when nobody else has the image. */
  readonly suspects: readonly string[];
}

/** A host with a copy that it can serve. */
export interface Peer {
  readonly copyId: string;
  readonly copyDbId: number;
  readonly hostId: string;
  readonly hostDbId: number;
  readonly hostName: string;
  readonly address: string;
  readonly published: boolean;
  /** Of the image, where a host has published it. */
  readonly sha256: string | null;
  readonly lineage: string | null;
  readonly depth: number;
  /** Uploads that the host gives at most, and those that it gives now, of all templates. */
  readonly uploads: number;
  readonly used: number;
}

/** Hosts that can serve; suspects only where there are no others. */
export interface Peers {
  /** The host to take, of those with a free upload: not behind one that failed, then of the same cluster, then of the least depth, then with the fewest uploads. */
  readonly best: Peer | null;
  /** Hosts that can serve, and the names of the first of them. */
  readonly count: number;
  readonly names: readonly string[];
  /** Their uploads, and how many of these are taken. */
  readonly uploads: number;
  readonly used: number;
  /** Whether one of them, or a suspect, has published the template. */
  readonly hasPublished: boolean;
}

/** What the other copies of the template in the zone are about. */
export interface Others {
  /** Copies that are fetched from the origin now, by hosts that serve others. */
  readonly atOrigin: number;
  /** Copies that wait for a peer, and those of them that are wanted more urgently. */
  readonly waiting: number;
  readonly moreUrgent: number;
}

/** A copy that has not asked again for this long does not wait for a host any more: its workflow was stopped, or waits for space. */
const ASKED_SECONDS = 60;

/** Whether a row of `copy` waits for a host that gives it. */
export const waitsForPeer = sql<boolean>`(copy.state = 'Creating' and copy.source_asked is not null
  and coalesce(copy.source_asked > now() - make_interval(secs => ${sql.lit(ASKED_SECONDS)}), false))`;

/**
 * A copy that is under way serves as far as it goes, if its bytes have a lineage: those from the origin do, and those of a
 * copy that has one. Left out are copies that fetch from the asker, also by way of others. One that fetches by way of a host
 * that failed is taken when there are no better ones: that host may be unreachable for the asker alone; and if it is dead, all
 * that fetched from it line up behind the one of them that asks last, which then fetches from the origin.
 */
export async function peersOf(
  tx: Queryable,
  asker: Asker,
  { failedPeers, suspects }: Distrusted,
): Promise<Peers> {
  const { rows } = await sql<Peers>`
    ${followers(asker, failedPeers)},
    every as materialized (select ${columns(asker, suspects)} from ${servedCopies(asker, failedPeers)}),
    able as materialized (
      select ${NAMES} from every where not suspect or not exists (select from every where not suspect)
    )
    select
      (select to_jsonb(able) from able where used < uploads
        order by behind, far, depth, not published, used, "hostDbId" limit 1) as best,
      array(select "hostName" from able order by behind, far, depth, "hostDbId" limit ${NAMED}) as names,
      count(*)::integer as count, coalesce(sum(uploads), 0)::integer as uploads,
      coalesce(sum(least(used, uploads)), 0)::integer as used,
      exists (select from every where published) as "hasPublished"
    from able`.execute(tx);
  return rows[0] ?? NONE;
}

const NONE = { best: null, count: 0, names: [], uploads: 0, used: 0, hasPublished: false };

/** Hosts that a sentence names at most. */
const NAMED = 8;

/** Common table expressions: `avoided`, the asker and copies that fetch by way of it; `behind`, those of hosts that failed, likewise. */
const followers = ({ id, templateDbId }: Asker, failed: readonly string[]) => sql`
  with recursive avoided as (
    select ${id}::bigint as id
    union
    select child.id from template_spool_ref child join avoided on child.parent_copy_id = avoided.id
    where child.fetching = 'peer'
  ),
  behind as (
    select copy.id from host join template_spool_ref copy on copy.fetch_host_id = host.id
    where host.uuid = any(${failed}::uuid[]) and copy.template_id = ${templateDbId} and copy.fetching is not null
    union
    select child.id from template_spool_ref child join behind on child.parent_copy_id = behind.id
    where child.fetching = 'peer'
  )`;

const isBehind = sql<boolean>`copy.id in (select behind.id from behind)`;

/**
 * Whether rows of `copy`, with `parent` and `known` beside it, may be served. The host of one that is healed still has the damaged
 * file under its name.
 */
const mayServe = ({ isPacked }: Asker) => sql`(
  (copy.state = 'Ready' and copy.download_state = 'DOWNLOADED' and copy.error_kind is null)
  or (
    copy.state = 'Creating' and copy.sha256 is null and copy.id not in (select avoided.id from avoided)
    and ((copy.fetching = 'origin' and not ${isPacked}::boolean)
      or (copy.fetching = 'peer' and (parent.state = 'Creating' or parent.lineage is not null)
        and (known.sha256 is not null or not ${isPacked}::boolean)))
  ))`;

/** Beside rows of `host`: how many uploads each gives now (`used`). @param except a copy that does not count */
export const uploading = (except: number | null = null) => sql`lateral (
    select count(*)::integer as used from template_spool_ref child
    where child.parent_host_id = host.id and child.fetching = 'peer' and child.state = 'Creating'
      and child.id is distinct from ${except}::bigint
  ) uploading`;

/**
 * The copies of the template in the zone that may be served, each by the host that fetched it: of a pool that hosts share, the
 * others cannot know whether the file is what was published.
 */
const servedCopies = (asker: Asker, failed: readonly string[]) => sql`
  template_spool_ref copy
  join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = ${asker.zoneDbId}
  join storage_pool_host_ref ref on ref.pool_id = copy.pool_id and ref.mounted
  join host on host.id = ref.host_id and host.id = copy.fetch_host_id
  left join template_spool_ref parent on parent.id = copy.parent_copy_id
  left join image_lineage known on known.lineage = copy.lineage
  cross join ${uploading(asker.id)}
  where copy.template_id = ${asker.templateDbId} and copy.depth is not null and copy.id <> ${asker.id}
    and ${mayServe(asker)}
    and host.id <> ${asker.hostDbId} and ${isUp} and ${isEnabled} and ${takesPart}
    and host.uuid <> all(${failed}::uuid[])
    and not exists (
      select from copy_wrong_peer wrong where wrong.copy_id = ${asker.id} and wrong.host_id = host.id)`;

const columns = (asker: Asker, suspects: readonly string[]) => sql`
  copy.uuid as "copyId", copy.id as "copyDbId", host.uuid as "hostId", host.id as "hostDbId",
  host.name as "hostName", host.peer ->> 'address' as address, copy.state = 'Ready' as published,
  case when copy.state = 'Ready' then copy.sha256 else known.sha256 end as sha256, copy.lineage,
  copy.depth, (host.peer ->> 'uploads')::integer as uploads, used, host.cluster_id <> ${asker.clusterDbId} as far,
  host.uuid = any(${suspects}::uuid[]) as suspect, ${isBehind} as behind`;

/** The names of these columns: statements with `*` are not prepared (db/prepared.ts), and to plan these takes long. */
const NAMES = sql`"copyId", "copyDbId", "hostId", "hostDbId", "hostName", address, published, sha256, lineage, depth,
  uploads, used, far, suspect, behind`;

/** So many hosts are compared by their uploads; a zone may have thousands that could serve. */
const COMPARED = 32;

/**
 * The host to take, found without looking at all of them: of the same cluster first, then of the least depth, then with the
 * fewest uploads of some. Never a suspect, nor one behind a host that failed.
 */
export async function bestPeer(
  tx: Queryable,
  asker: Asker,
  { failedPeers, suspects }: Distrusted,
): Promise<Peer | undefined> {
  for (const near of [sql`and host.cluster_id = ${asker.clusterDbId}`, sql``]) {
    const { rows } = await sql<Peer>`
      ${followers(asker, failedPeers)},
      first as (
        select ${columns(asker, suspects)} from ${servedCopies(asker, [...failedPeers, ...suspects])} ${near}
          and not ${isBehind} and used < (host.peer ->> 'uploads')::integer
        order by copy.depth, copy.id limit ${COMPARED}
      )
      select ${NAMES} from first order by depth, not published, used, "hostDbId" limit 1`.execute(tx);
    if (rows[0] !== undefined) return rows[0];
  }
  return undefined;
}

export async function othersOf(
  tx: Queryable,
  { id, templateDbId, zoneDbId }: Asker,
  priority: number,
): Promise<Others> {
  const { rows } = await sql<Others>`
    select
      (select count(*)::integer from template_spool_ref copy
        join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = ${zoneDbId}
        join host on host.id = copy.fetch_host_id
        where copy.template_id = ${templateDbId} and copy.fetching = 'origin' and copy.state = 'Creating'
          and copy.id <> ${id} and ${isUp} and ${takesPart}) as "atOrigin",
      count(*)::integer as waiting,
      (count(*) filter (where copy.source_priority < ${priority}))::integer as "moreUrgent"
    from template_spool_ref copy
    join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = ${zoneDbId}
    where copy.template_id = ${templateDbId} and ${waitsForPeer} and copy.id <> ${id}`.execute(tx);
  return rows[0] ?? { atOrigin: 0, waiting: 0, moreUrgent: 0 };
}

/** A download at the origin. */
export interface Replaced extends CopyUuids {
  readonly hostId: string;
}

/**
 * Downloads at the origin of hosts that failed, where the asker is going to fetch there, too: a host that was cut off or stopped
 * for a while would go on beside it. One that has fetched there itself before replaces nobody: two hosts that do not reach each
 * other would take turns for ever.
 */
export async function replacedBy(
  tx: Queryable,
  { id, templateDbId, zoneDbId }: Asker,
  { failedPeers }: Distrusted,
): Promise<readonly Replaced[]> {
  const { rows } = await sql<Replaced>`
    select template.uuid as "templateId", pool.uuid as "poolId", host.uuid as "hostId"
    from template_spool_ref copy
    join vm_template template on template.id = copy.template_id
    join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = ${zoneDbId}
    join host on host.id = copy.fetch_host_id
    where copy.template_id = ${templateDbId} and copy.fetching = 'origin' and copy.state = 'Creating'
      and copy.id <> ${id} and host.uuid = any(${failedPeers}::uuid[])
      and not exists (select from template_spool_ref own where own.id = ${id} and own.origin_bytes > 0)`.execute(
    tx,
  );
  return rows;
}

/**
 * Hosts that some copy of the zone could not be fetched from a moment ago. One that is dead counts as Up for so long; until
 * then it would be the most attractive one, since its uploads are free. The time of a try is that of its host's clock.
 */
export async function suspectsOf(tx: Queryable, { zoneDbId }: Asker): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly source: string }>`
    select distinct one.source from download_attempt one
    join template_spool_ref copy on copy.id = one.copy_id
    join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = ${zoneDbId}
    where one.failure_kind = 'PeerUnreachable'
      and one.ended between now() - make_interval(secs => ${UP_SECONDS}) and now() + make_interval(secs => ${UP_SECONDS})`.execute(
    tx,
  );
  return rows.flatMap(({ source }) => peerHostOf(source) ?? []);
}
