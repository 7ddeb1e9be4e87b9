/** Copies whose files are to be hashed again, since that was long ago. */
import { sql } from 'kysely';
import { verificationRulesOf } from '../../model/configurations.ts';
import type { Queryable } from '../database.ts';
import { canWorkOnFiles } from '../hosts/hosts.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { configurationValues } from '../zones/configurations.ts';
import { allZones, findZone } from '../zones/zones.ts';

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

/** Hosts that can hash a copy slowly, of the pool of a row of `copy`. */
const ableHosts = sql<readonly { readonly id: string; readonly name: string }[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('id', host.uuid, 'name', host.name) order by random()), '[]')
  from storage_pool_host_ref r join host on host.id = r.host_id
  where r.pool_id = copy.pool_id and ${canWorkOnFiles('pacedHash')})`;

const due = (db: Queryable, zone: number, days: number) =>
  db
    .selectFrom('template_spool_ref as copy')
    .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .where('pool.data_center_id', '=', zone)
    .where('copy.state', '=', 'Ready')
    .where('copy.error_kind', 'is', null)
    .where('copy.sha256', 'is not', null)
    .where(sql<boolean>`copy.verified < now() - make_interval(days => ${days})`)
    .where(
      sql<boolean>`coalesce(copy.verification_asked < now() - make_interval(secs => ${AGAIN_SECONDS}), true)`,
    )
    .where(sql<boolean>`${ableHosts} <> '[]'`)
    .orderBy('copy.verified');

/** Zones in which a copy is due. */
export async function zonesToVerify(db: Queryable): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { id, uuid } of await allZones(db)) {
    const { interval } = verificationRulesOf(await configurationValues(db, id));
    if (interval === 0) continue;
    if ((await due(db, id, interval).select('copy.id').limit(1).executeTakeFirst()) !== undefined)
      found.push(uuid);
  }
  return found;
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
  const rows = await due(db, zone.id, interval)
    .where(
      sql<boolean>`exists (select from jsonb_array_elements(${ableHosts}) one where one ->> 'id' <> all(${[...busy]}::text[]))`,
    )
    .select([
      'copy.id',
      'template.uuid as templateId',
      'template.name as templateName',
      'pool.uuid as poolId',
      'pool.name as poolName',
      'copy.template_size as size',
      ableHosts.as('hosts'),
    ])
    .limit(limit)
    .execute();
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
