/** Networks and network offerings as lists show them. Removed ones are in no list. */
import { sql } from 'kysely';
import type { AclType, GuestType } from '../../model/vms.ts';
import type { Queryable } from '../database.ts';
import { containing, type Listing, type Page } from '../page.ts';
import type { Row } from '../tables.ts';
import { hasTag, type Tag, tagsOf } from '../tags/tags.ts';

export interface NetworkOfferingQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly displayText?: string | undefined;
  readonly keyword?: string | undefined;
  readonly guestType?: GuestType | undefined;
  readonly state?: 'Enabled' | 'Disabled' | undefined;
  readonly availability?: 'Optional' | 'Required' | undefined;
  readonly isDefault?: boolean | undefined;
  readonly specifyVlan?: boolean | undefined;
  readonly specifyIpRanges?: boolean | undefined;
  readonly tags?: string | undefined;
  readonly isTagged?: boolean | undefined;
}

export async function listNetworkOfferings(
  db: Queryable,
  query: NetworkOfferingQuery,
  { limit, offset }: Page,
): Promise<Listing<Row<'network_offerings'>>> {
  const { id, name, displayText, keyword, guestType, state, availability, tags, isTagged } = query;
  const { isDefault, specifyVlan, specifyIpRanges } = query;
  let offerings = db.selectFrom('network_offerings').where('removed', 'is', null);
  if (id !== undefined) offerings = offerings.where('uuid', '=', id);
  if (name !== undefined) offerings = offerings.where('name', '=', name);
  if (displayText !== undefined) offerings = offerings.where('display_text', '=', displayText);
  if (keyword !== undefined)
    offerings = offerings.where(
      sql<boolean>`(name ilike ${containing(keyword)} or display_text ilike ${containing(keyword)})`,
    );
  if (guestType !== undefined) offerings = offerings.where('guest_type', '=', guestType);
  if (state !== undefined) offerings = offerings.where('state', '=', state);
  if (availability !== undefined) offerings = offerings.where('availability', '=', availability);
  if (isDefault !== undefined) offerings = offerings.where('is_default', '=', isDefault);
  if (specifyVlan !== undefined) offerings = offerings.where('specify_vlan', '=', specifyVlan);
  if (specifyIpRanges !== undefined) offerings = offerings.where('specify_ip_ranges', '=', specifyIpRanges);
  if (tags !== undefined) offerings = offerings.where('tags', '=', tags);
  if (isTagged !== undefined) offerings = offerings.where('tags', isTagged ? 'is not' : 'is', null);
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

export interface NetworkQuery {
  /** Whose networks a user sees besides those for everybody; default: all are seen. */
  readonly seenBy?: number | undefined;
  readonly ownerId?: number | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
  /** UUIDs. */
  readonly zoneId?: string | undefined;
  readonly offeringId?: string | undefined;
  readonly guestType?: GuestType | undefined;
  readonly aclType?: AclType | undefined;
  readonly vlan?: number | undefined;
  readonly specifyIpRanges?: boolean | undefined;
  /** All of them. */
  readonly tags?: readonly Tag[] | undefined;
}

export type NetworkListRow = Row<'networks'> & {
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly zone_dns1: string | null;
  readonly zone_dns2: string | null;
  readonly account_name: string;
  readonly offering_uuid: string;
  readonly offering_name: string;
  readonly offering_text: string;
  readonly guest_type: GuestType;
  readonly availability: 'Optional' | 'Required';
  readonly conserve_mode: boolean;
  readonly is_persistent: boolean;
  readonly specify_vlan: boolean;
  readonly specify_ip_ranges: boolean;
  readonly services: Row<'network_offerings'>['services'];
  readonly tags: readonly Tag[];
};

export async function listNetworks(
  db: Queryable,
  query: NetworkQuery,
  { limit, offset }: Page,
): Promise<Listing<NetworkListRow>> {
  const { count } = await matchingNetworks(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matchingNetworks(db, query)
    .selectAll('networks')
    .select([
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      'zone.dns1 as zone_dns1',
      'zone.dns2 as zone_dns2',
      'account.account_name',
      'offering.uuid as offering_uuid',
      'offering.name as offering_name',
      'offering.display_text as offering_text',
      'offering.guest_type',
      'offering.availability',
      'offering.conserve_mode',
      'offering.is_persistent',
      'offering.specify_vlan',
      'offering.specify_ip_ranges',
      'offering.services',
      tagsOf('network', 'networks.id').as('tags'),
    ])
    .orderBy('networks.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

function matchingNetworks(db: Queryable, query: NetworkQuery) {
  const { seenBy, ownerId, id, name, keyword, zoneId, offeringId, guestType, aclType, vlan } = query;
  let networks = db
    .selectFrom('networks')
    .innerJoin('data_center as zone', 'zone.id', 'networks.data_center_id')
    .innerJoin('account', 'account.id', 'networks.account_id')
    .innerJoin('network_offerings as offering', 'offering.id', 'networks.network_offering_id')
    .where('networks.removed', 'is', null);
  if (seenBy !== undefined)
    networks = networks.where(
      sql<boolean>`(networks.account_id = ${seenBy} or networks.acl_type = 'Domain')`,
    );
  if (ownerId !== undefined) networks = networks.where('networks.account_id', '=', ownerId);
  if (id !== undefined) networks = networks.where('networks.uuid', '=', id);
  if (name !== undefined) networks = networks.where('networks.name', '=', name);
  if (keyword !== undefined)
    networks = networks.where(
      sql<boolean>`(networks.name ilike ${containing(keyword)} or networks.display_text ilike ${containing(keyword)})`,
    );
  if (zoneId !== undefined) networks = networks.where('zone.uuid', '=', zoneId);
  if (offeringId !== undefined) networks = networks.where('offering.uuid', '=', offeringId);
  if (guestType !== undefined) networks = networks.where('offering.guest_type', '=', guestType);
  if (aclType !== undefined) networks = networks.where('networks.acl_type', '=', aclType);
  if (vlan !== undefined) networks = networks.where('networks.vlan', '=', vlan);
  if (query.specifyIpRanges !== undefined)
    networks = networks.where('offering.specify_ip_ranges', '=', query.specifyIpRanges);
  for (const tag of query.tags ?? []) networks = networks.where(hasTag('network', 'networks.id', tag));
  return networks;
}
