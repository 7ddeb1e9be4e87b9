/** Certificates that hosts are to trust for downloads: what each host is to have, and what it has. */
import { sql } from 'kysely';
import type { HeldCertificate, HostOfCertificate } from '../../model/certificate.ts';
import { isUniqueViolation, type Queryable } from '../database.ts';
import { AlreadyExists } from '../errors.ts';
import { isUp } from '../hosts/hosts.ts';
import { certificatesOfHost, held, keystoreInSync, wanted } from '../hosts/keystore-sync.ts';
import { rowId } from '../row-id.ts';
import type { NewRow, Row } from '../tables.ts';

export type Certificate = Row<'direct_download_certificate'>;

/** @throws AlreadyExists when the zone has one of that alias, in any case */
export async function addCertificate(
  tx: Queryable,
  certificate: NewRow<'direct_download_certificate'>,
): Promise<Certificate> {
  try {
    return await tx
      .insertInto('direct_download_certificate')
      .values(certificate)
      .returningAll()
      .executeTakeFirstOrThrow();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`Certificate alias ${certificate.alias} has been already created`, {
      cause: error,
    });
  }
}

export const findCertificate = (db: Queryable, uuid: string): Promise<Certificate | undefined> =>
  db.selectFrom('direct_download_certificate').where('uuid', '=', uuid).selectAll().executeTakeFirst();

export const findCertificateByAlias = (
  db: Queryable,
  zone: number,
  alias: string,
): Promise<Certificate | undefined> =>
  db
    .selectFrom('direct_download_certificate')
    .where('zone_id', '=', zone)
    .where(sql<boolean>`lower(alias) = lower(${alias})`)
    .selectAll()
    .executeTakeFirst();

/** Characters that the certificates of a zone have together. @param lock until the transaction ends */
export async function certificateLength(tx: Queryable, zone: number): Promise<number> {
  await sql`select id from data_center where id = ${zone} for update`.execute(tx);
  const { rows } = await sql<{ readonly length: number }>`
    select coalesce(sum(length(certificate) + length(coalesce(client_certificate, ''))
      + length(coalesce(client_key_sealed, ''))), 0) as length
    from direct_download_certificate where zone_id = ${zone}`.execute(tx);
  return rows[0]?.length ?? 0;
}

/** What one host is to have of it, whatever holds for the others. */
export async function setWanted(
  tx: Queryable,
  certificate: number,
  hostId: string,
  isWanted: boolean,
): Promise<void> {
  await sql`
    insert into direct_download_certificate_host_map (certificate_id, host_id, wanted)
    select ${certificate}, id, ${isWanted} from host where uuid = ${hostId}
    on conflict (certificate_id, host_id) do update set wanted = excluded.wanted, last_updated = now()`.execute(
    tx,
  );
}

/** No host is to have it. */
export async function revokeEverywhere(tx: Queryable, certificate: number): Promise<void> {
  await tx
    .updateTable('direct_download_certificate')
    .set({ revoked: true })
    .where('id', '=', certificate)
    .execute();
  await tx
    .updateTable('direct_download_certificate_host_map')
    .set({ wanted: null })
    .where('certificate_id', '=', certificate)
    .execute();
}

export async function removeCertificate(tx: Queryable, certificate: number): Promise<void> {
  await tx.deleteFrom('direct_download_certificate').where('id', '=', certificate).execute();
}

export interface KeystorePlan {
  readonly hostName: string;
  readonly sealingKey: string;
  readonly up: boolean;
  readonly enabled: boolean;
  readonly certificates: readonly Pick<
    Certificate,
    'uuid' | 'alias' | 'certificate' | 'client_certificate' | 'client_key_sealed'
  >[];
}

/** What a host is to hold; undefined when there is no such host. */
export async function keystorePlan(db: Queryable, hostId: string): Promise<KeystorePlan | undefined> {
  const host = await db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select((eb) => [
      'name as hostName',
      'sealing_key as sealingKey',
      isUp.as('up'),
      eb('resource_state', '=', 'Enabled').$castTo<boolean>().as('enabled'),
    ])
    .executeTakeFirst();
  if (host === undefined) return undefined;
  const { rows } = await sql<KeystorePlan['certificates'][number]>`
    select c.uuid, c.alias, c.certificate, c.client_certificate, c.client_key_sealed
    from host, lateral (select c.*, m.wanted from ${certificatesOfHost} where ${wanted}) c
    where host.uuid = ${hostId} order by c.alias`.execute(db);
  return { ...host, certificates: rows };
}

/** Whether a host holds what it is to hold, and why it does not. */
export async function keystoreState(
  db: Queryable,
  hostId: string,
): Promise<{ readonly settled: boolean; readonly problem?: string }> {
  const host = await db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select([
      keystoreInSync.as('settled'),
      isUp.as('up'),
      'resource_state as state',
      sql<string | null>`(
        select string_agg(distinct m.error_str, '; ') from ${certificatesOfHost} where ${wanted} <> ${held})`.as(
        'error',
      ),
    ])
    .executeTakeFirst();
  if (host === undefined) return { settled: false, problem: 'the host was forgotten' };
  if (host.settled) return { settled: true };
  if (host.state !== 'Enabled') return { settled: false, problem: 'the host is not enabled' };
  if (!host.up) return { settled: false, problem: 'the host is Down' };
  return { settled: false, ...(host.error === null ? {} : { problem: host.error }) };
}

/** Digests of what a host is to hold. */
export async function wantedDigests(db: Queryable, hostId: string): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly digest: string }>`
    select c.digest from host, lateral (select c.*, m.wanted from ${certificatesOfHost} where ${wanted}) c
    where host.uuid = ${hostId} order by c.alias`.execute(db);
  return rows.map(({ digest }) => digest);
}

/**
 * Writes what a host read back, and why it has not taken the rest.
 * @param failed by alias
 * @returns whether it is settled
 */
export async function recordHeld(
  tx: Queryable,
  hostId: string,
  heldNow: readonly HeldCertificate[],
  failed: Readonly<Record<string, string>> = {},
): Promise<{ readonly settled: boolean; readonly hostName: string }> {
  await tx
    .updateTable('host')
    .set({ keystore: JSON.stringify(heldNow) })
    .where('uuid', '=', hostId)
    .execute();
  await sql`
    insert into direct_download_certificate_host_map as old (certificate_id, host_id, revoked, error_str)
    select c.id, host.id,
      case when ${held} then false when ${wanted} then null else true end,
      case when ${wanted} and not ${held} then ${JSON.stringify(failed)}::jsonb ->> c.alias end
    from host, lateral (select c.*, m.wanted, m.id as known from ${certificatesOfHost}) c,
      lateral (select c.wanted) m
    where host.uuid = ${hostId} and (${held} or ${wanted} or c.known is not null)
    on conflict (certificate_id, host_id) do update
      set revoked = excluded.revoked, error_str = excluded.error_str, last_updated = now()
      where old.revoked is distinct from excluded.revoked or old.error_str is distinct from excluded.error_str`.execute(
    tx,
  );
  const row = await tx
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select(['name as hostName', keystoreInSync.as('settled')])
    .executeTakeFirst();
  return row ?? { settled: true, hostName: hostId };
}

/** Why a host is not as it is to be. */
export async function recordOutOfSync(tx: Queryable, hostId: string, reason: string): Promise<void> {
  await sql`
    insert into direct_download_certificate_host_map as old (certificate_id, host_id, error_str)
    select c.id, host.id, ${reason}
    from host, lateral (select c.*, m.wanted from ${certificatesOfHost}) c, lateral (select c.wanted) m
    where host.uuid = ${hostId} and ${wanted} <> ${held}
    on conflict (certificate_id, host_id) do update set error_str = excluded.error_str, last_updated = now()
      where old.error_str is distinct from excluded.error_str`.execute(tx);
}

/** Up, Enabled hosts that are not settled. */
export const hostsOutOfSync = (
  db: Queryable,
  limit: number,
  zoneIds?: readonly string[],
): Promise<readonly { readonly hostId: string; readonly name: string }[]> => {
  let hosts = db
    .selectFrom('host')
    .innerJoin('data_center', 'data_center.id', 'host.data_center_id')
    .where('host.resource_state', '=', 'Enabled')
    .where(isUp)
    .where(sql<boolean>`not ${keystoreInSync}`);
  if (zoneIds !== undefined) hosts = hosts.where('data_center.uuid', 'in', [...zoneIds]);
  // Any of them, so that hosts that fail again and again do not keep the others waiting.
  return hosts
    .select(['host.uuid as hostId', 'host.name'])
    .orderBy(sql`random()`)
    .limit(limit)
    .execute();
};

/**
 * The state of a certificate on each host that holds it or should, and on those that are `named`; `only`: on that host alone.
 * @param about it may have been deleted
 */
export async function hostsOfCertificate(
  db: Queryable,
  { uuid, alias, digest, zone_id }: Pick<Certificate, 'uuid' | 'alias' | 'digest' | 'zone_id'>,
  { named = [], only }: { readonly named?: readonly string[]; readonly only?: string | undefined } = {},
): Promise<readonly HostOfCertificate[]> {
  const { rows } = await sql<HostOfCertificate>`
    select host.uuid as "hostId", host.name as "hostName", ${isUp} as up,
      host.resource_state = 'Enabled' as enabled, host.data_center_id = ${zone_id} as "inZone",
      coalesce(${wanted}, false) as wanted, m.error_str as error,
      host.keystore @> jsonb_build_array(jsonb_build_object('alias', ${alias}::text, 'digest', ${digest}::text)) as held
    from host
      left join direct_download_certificate c on c.uuid = ${uuid}
      left join direct_download_certificate_host_map m on m.host_id = host.id
        and m.certificate_id = ${rowId('direct_download_certificate', uuid)}
    where (${only ?? null}::uuid is null or host.uuid = ${only ?? null}::uuid)
      and (host.uuid = any(${named}::uuid[]) or m.id is not null or coalesce(${wanted}, false)
        or host.keystore @> jsonb_build_array(jsonb_build_object('alias', ${alias}::text, 'digest', ${digest}::text)))
    order by host.name, host.id`.execute(db);
  return rows;
}

export interface ExpiringCertificate extends Pick<Certificate, 'uuid' | 'alias' | 'expires'> {
  readonly zoneName: string;
  /** Identifies the event of the last warning that is due. */
  readonly once: string;
}

/**
 * Certificates that are wanted somewhere and of whose last warning that is due no event has told: first those that end first.
 * @param warnings days before the end
 */
export async function expiringCertificates(
  db: Queryable,
  {
    warnings,
    now,
    limit,
  }: { readonly warnings: readonly number[]; readonly now: Date; readonly limit: number },
): Promise<readonly ExpiringCertificate[]> {
  const { rows } = await sql<ExpiringCertificate>`
    select c.uuid, c.alias, c.expires, zone.name as "zoneName", warning.once
    from direct_download_certificate c
    join data_center zone on zone.id = c.zone_id
    cross join lateral (
      select 'expiry:' || c.uuid || ':' || min(days) as once from unnest(${warnings}::integer[]) days
      where c.expires < ${now}::timestamptz + make_interval(hours => 24 * days)) warning
    where not c.revoked and warning.once is not null
      and not exists (select from event where event.once = warning.once)
    order by c.expires, c.id limit ${limit}`.execute(db);
  return rows;
}
