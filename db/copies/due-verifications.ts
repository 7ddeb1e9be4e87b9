/** Copies whose files are to be hashed again, since that was long ago. */
import { sql } from 'kysely';
import { verificationRulesOf } from '../../model/configurations.ts';
import type { Queryable } from '../database.ts';
import { canWorkOnFiles } from '../hosts/hosts.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { configurationValues } from '../zones/configurations.ts';
import { findZone } from '../zones/zones.ts';
import type { Place } from '../zones/zones.ts';

export interface DueVerification extends CopyUuids {
  /** For people. */
  readonly copyName: string;
  /** Bytes of its file. */
  readonly size: number;
  /** The host that is to verify it. */
  readonly hostId: string;
  readonly hostName: string;
  readonly bytesPerSecond: number;
}

/** A copy that no host could verify has its turn again after so long. */
const AGAIN_SECONDS = 86_400;

/**
 * For each pool of a zone with hosts that can hash copies slowly, and verify none now: as many due copies as it has such hosts,
 * `copy`, the one that was verified the longest ago first; and the hosts, `able`.
 * @param busy UUIDs of hosts that verify one now
 */
const dueCopies = (zone: number, days: number, busy: readonly string[]) => sql`
  storage_pool pool
  cross join lateral (
    select count(*) as count, array_agg(host.id order by host.id) as ids,
      jsonb_agg(jsonb_build_object('id', host.uuid, 'name', host.name) order by random()) as hosts
    from storage_pool_host_ref r join host on host.id = r.host_id
    where r.pool_id = pool.id and ${canWorkOnFiles('pacedHash')} and host.uuid <> all(${[...busy]}::uuid[])) able
  cross join lateral (
    select * from template_spool_ref copy
    where copy.pool_id = pool.id and copy.state = 'Ready' and copy.error_kind is null and copy.sha256 is not null
      and copy.verified < now() - make_interval(days => ${days})
      and coalesce(copy.verification_asked < now() - make_interval(secs => ${AGAIN_SECONDS}), true)
    order by copy.verified limit able.count) copy
  where pool.data_center_id = ${zone}`;

/** Those of these zones in which a copy is due. */
export async function zonesToVerify(db: Queryable, zones: readonly Place[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { id, uuid } of zones) {
    const { interval } = verificationRulesOf(await configurationValues(db, id));
    if (interval === 0) continue;
    const due = await sql`select from ${dueCopies(id, interval, [])} limit 1`.execute(db);
    if (due.rows.length > 0) found.push(uuid);
  }
  return found;
}

interface DueRow extends CopyUuids {
  readonly id: number;
  readonly templateName: string;
  readonly poolName: string;
  readonly size: number;
  /** Those that can verify it, at random. */
  readonly hosts: readonly { readonly id: string; readonly name: string }[];
}

/**
 * The copies of a zone to verify now, the one that was verified the longest ago first, each on a host that verifies no other.
 * @param busy UUIDs of hosts that verify one now
 */
export async function nextVerifications(
  db: Queryable,
  zoneId: string,
  busy: readonly string[],
  limit: number,
): Promise<readonly DueVerification[]> {
  const zone = await findZone(db, zoneId);
  if (zone === undefined) return [];
  const { interval, rate } = verificationRulesOf(await configurationValues(db, zone.id));
  if (interval === 0) return [];
  // A host may have many pools, and each of them due copies: first one for each host, then the limit.
  const { rows } = await sql<DueRow>`
    select copy.id, template.uuid as "templateId", template.name as "templateName", copy."poolId", copy."poolName", copy.size,
      copy.hosts
    from (
      select copy.id, copy.template_id, copy.template_size as size, copy.verified, pool.uuid as "poolId",
        pool.name as "poolName", able.hosts, able.count,
        row_number() over (partition by able.ids order by copy.verified, copy.id) as place
      from ${dueCopies(zone.id, interval, busy)}) copy
    join vm_template template on template.id = copy.template_id
    where copy.place <= copy.count order by copy.verified, copy.id limit ${limit}`.execute(db);
  const taken = new Set(busy);
  const chosen = rows.flatMap(({ id, hosts, templateName, poolName, ...copy }) => {
    const host = hosts.find((one) => !taken.has(one.id));
    if (host === undefined) return [];
    taken.add(host.id);
    const copyName = `${templateName} on pool ${poolName}`;
    return [{ id, due: { ...copy, copyName, hostId: host.id, hostName: host.name, bytesPerSecond: rate } }];
  });
  if (chosen.length === 0) return [];
  const ids = chosen.map(({ id }) => id);
  const now = sql<Date>`now()`;
  await db
    .updateTable('template_spool_ref')
    .set({ verification_asked: now })
    .where('id', 'in', ids)
    .execute();
  return chosen.map((one) => one.due);
}
