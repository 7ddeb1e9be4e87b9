/** What a machine is made of: its offering, networks, host and images. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import { isEnabled, isUp } from '../hosts/hosts.ts';
import type { Network } from '../networks/networks.ts';
import type { Row } from '../tables.ts';

/** Whether the offering is restricted to other zones. */
export async function isOfferedIn(db: Queryable, offeringId: number, zoneId: number): Promise<boolean> {
  const zones = await db
    .selectFrom('service_offering_zone')
    .where('service_offering_id', '=', offeringId)
    .select('zone_id')
    .execute();
  return zones.length === 0 || zones.some(({ zone_id }) => zone_id === zoneId);
}

export async function isPoolUp(db: Queryable, zoneId: number): Promise<boolean> {
  const found = await db
    .selectFrom('storage_pool')
    .where('data_center_id', '=', zoneId)
    .where('state', '=', 'Up')
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}

/** Whether a zone takes new machines of users. */
export async function isZoneEnabled(db: Queryable, zoneId: number): Promise<boolean> {
  const { allocation_state } = await db
    .selectFrom('data_center')
    .where('id', '=', zoneId)
    .select('allocation_state')
    .executeTakeFirstOrThrow();
  return allocation_state === 'Enabled';
}

export interface WantedHost {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly zoneId: number;
  /** Up, Enabled, and in an Enabled cluster. */
  readonly usable: boolean;
}

export const wantedHost = (db: Queryable, uuid: string): Promise<WantedHost | undefined> =>
  db
    .selectFrom('host')
    .where('uuid', '=', uuid)
    .select([
      'id',
      'uuid',
      'name',
      'data_center_id as zoneId',
      sql<boolean>`(${isEnabled} and ${isUp})`.as('usable'),
    ])
    .executeTakeFirst();

export const networksOfVm = (db: Queryable, vmId: number): Promise<readonly Network[]> =>
  db
    .selectFrom('networks')
    .innerJoin('nics', 'nics.network_id', 'networks.id')
    .where('nics.vm_id', '=', vmId)
    .where('nics.removed', 'is', null)
    .selectAll('networks')
    .orderBy('nics.device_id')
    .execute();

/** The service offering of a machine, also one that was removed. */
export const offeringOf = (db: Queryable, vmId: number): Promise<Row<'service_offering'>> =>
  db
    .selectFrom('service_offering')
    .innerJoin('vm_instance as vm', 'vm.service_offering_id', 'service_offering.id')
    .where('vm.id', '=', vmId)
    .selectAll('service_offering')
    .executeTakeFirstOrThrow();

/** Bytes of a machine's disk. */
export async function rootSizeOf(db: Queryable, vmId: number): Promise<number> {
  const row = await db
    .selectFrom('volumes')
    .where('vm_id', '=', vmId)
    .where('volume_type', '=', 'ROOT')
    .where('removed', 'is', null)
    .select('size')
    .executeTakeFirst();
  return row?.size ?? 0;
}

export async function zoneUuid(db: Queryable, zoneId: number): Promise<string> {
  const { uuid } = await db
    .selectFrom('data_center')
    .where('id', '=', zoneId)
    .select('uuid')
    .executeTakeFirstOrThrow();
  return uuid;
}

/** A template or ISO, also one that was removed. */
export const findTemplateById = (db: Queryable, id: number): Promise<Row<'vm_template'>> =>
  db.selectFrom('vm_template').where('id', '=', id).selectAll().executeTakeFirstOrThrow();

/** The host that has the log of a machine's console: where it is, or was last; undefined when it has never been placed. */
export const hostOfLog = (db: Queryable, vmId: number): Promise<{ readonly uuid: string } | undefined> =>
  db
    .selectFrom('vm_instance as vm')
    .innerJoin('host', (join) => join.on(sql<boolean>`host.id = coalesce(vm.host_id, vm.last_host_id)`))
    .where('vm.id', '=', vmId)
    .select('host.uuid')
    .executeTakeFirst();
