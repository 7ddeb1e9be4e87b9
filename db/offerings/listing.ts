/** Service offerings and disk offerings as lists show them. Removed ones are in no list. */
import { sql } from 'kysely';
import type { StorageType } from '../../model/vms.ts';
import type { Queryable } from '../database.ts';
import { containing, type Listing, type Page } from '../page.ts';
import type { Row } from '../tables.ts';

interface OfferingQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
  readonly storageType?: StorageType | undefined;
  /** Default: those of either state. */
  readonly state?: 'Active' | 'Inactive' | undefined;
}

export interface ServiceOfferingQuery extends OfferingQuery {
  /** UUID of a zone in which it is offered. */
  readonly zoneId?: string | undefined;
  /** Those that give at least this, or let the user choose so much. Memory is in megabytes, speed in MHz. */
  readonly cpus?: number | undefined;
  readonly speed?: number | undefined;
  readonly memory?: number | undefined;
  /** Those that this virtual machine could change to. */
  readonly otherThan?: OfferingOfVm | undefined;
}

export interface OfferingOfVm {
  readonly offeringId: number;
  readonly storageType: StorageType;
}

export type ServiceOfferingListRow = Row<'service_offering'> & {
  /** The zones that it is restricted to, by their names; none: it is offered everywhere. */
  readonly zones: readonly { readonly uuid: string; readonly name: string }[];
};

const zonesOfOffering = sql<ServiceOfferingListRow['zones']>`coalesce((
  select json_agg(json_build_object('uuid', zone.uuid, 'name', zone.name) order by zone.name)
  from service_offering_zone r join data_center zone on zone.id = r.zone_id
  where r.service_offering_id = service_offering.id), '[]')`;

export async function listServiceOfferings(
  db: Queryable,
  query: ServiceOfferingQuery,
  { limit, offset }: Page,
): Promise<Listing<ServiceOfferingListRow>> {
  const { count } = await matchingServiceOfferings(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matchingServiceOfferings(db, query)
    .selectAll('service_offering')
    .select(zonesOfOffering.as('zones'))
    .orderBy('sort_key')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

function matchingServiceOfferings(db: Queryable, query: ServiceOfferingQuery) {
  const { id, name, keyword, storageType, state, zoneId, cpus, speed, memory, otherThan } = query;
  let offerings = db.selectFrom('service_offering').where('removed', 'is', null);
  if (id !== undefined) offerings = offerings.where('uuid', '=', id);
  if (name !== undefined) offerings = offerings.where('name', '=', name);
  if (keyword !== undefined) offerings = offerings.where(hasKeyword(keyword));
  if (storageType !== undefined) offerings = offerings.where('storage_type', '=', storageType);
  if (state !== undefined) offerings = offerings.where('state', '=', state);
  if (zoneId !== undefined) offerings = offerings.where(offeredIn(zoneId));
  if (cpus !== undefined)
    offerings = offerings.where(sql<boolean>`coalesce(cpu, max_cpu, ${cpus}) >= ${cpus}`);
  if (speed !== undefined) offerings = offerings.where(sql<boolean>`coalesce(speed, ${speed}) >= ${speed}`);
  if (memory !== undefined)
    offerings = offerings.where(sql<boolean>`coalesce(ram_size, max_memory, ${memory}) >= ${memory}`);
  if (otherThan !== undefined)
    offerings = offerings
      .where('id', '!=', otherThan.offeringId)
      .where('storage_type', '=', otherThan.storageType);
  return offerings;
}

const hasKeyword = (keyword: string) =>
  sql<boolean>`(name ilike ${containing(keyword)} or display_text ilike ${containing(keyword)})`;

/** Whether a row of `service_offering` is offered in a zone. */
const offeredIn = (zoneId: string) => sql<boolean>`(
  not exists (select from service_offering_zone r where r.service_offering_id = service_offering.id)
  or exists (
    select from service_offering_zone r join data_center zone on zone.id = r.zone_id
    where r.service_offering_id = service_offering.id and zone.uuid = ${zoneId}))`;

export interface DiskOfferingQuery extends OfferingQuery {
  /** Default: also those that are not displayed. */
  readonly displayedOnly?: boolean;
}

export async function listDiskOfferings(
  db: Queryable,
  query: DiskOfferingQuery,
  { limit, offset }: Page,
): Promise<Listing<Row<'disk_offering'>>> {
  const { id, name, keyword, storageType, state, displayedOnly } = query;
  let offerings = db.selectFrom('disk_offering').where('removed', 'is', null);
  if (id !== undefined) offerings = offerings.where('uuid', '=', id);
  if (name !== undefined) offerings = offerings.where('name', '=', name);
  if (keyword !== undefined) offerings = offerings.where(hasKeyword(keyword));
  if (storageType !== undefined) offerings = offerings.where('storage_type', '=', storageType);
  if (state !== undefined) offerings = offerings.where('state', '=', state);
  if (displayedOnly === true) offerings = offerings.where('display_offering', '=', true);
  const { count } = await offerings
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await offerings
    .selectAll()
    .orderBy('sort_key')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

/** The offering of a virtual machine, and whose the machine is; undefined when there is no such machine. */
export const offeringOfVm = (
  db: Queryable,
  vmId: string,
): Promise<(OfferingOfVm & { readonly accountId: number }) | undefined> =>
  db
    .selectFrom('vm_instance as vm')
    .innerJoin('service_offering as offering', 'offering.id', 'vm.service_offering_id')
    .where('vm.uuid', '=', vmId)
    .where('vm.removed', 'is', null)
    .select([
      'vm.account_id as accountId',
      'offering.id as offeringId',
      'offering.storage_type as storageType',
    ])
    .executeTakeFirst();
