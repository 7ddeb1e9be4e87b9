/** Zones and their clusters: made and changed by the operator, never by a host that joins. */
import { sql, type Updateable } from 'kysely';
import { isUniqueViolation, type Queryable } from '../database.ts';
import { AlreadyExists } from '../errors.ts';
import type { Tables } from '../tables.ts';
import type { AllocationState } from './tables.ts';

/** A zone or cluster by its numeric key, its UUID and its name. */
export interface Place {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
}

const PLACE = ['id', 'uuid', 'name'] as const;

/** What an operator says of a zone; what is undefined stays as it is. */
export type ZoneFacts = Partial<
  Omit<Updateable<Tables['data_center']>, 'id' | 'uuid' | 'name' | 'created' | 'removed'>
>;

/** @throws AlreadyExists */
export const createZone = (db: Queryable, zone: { readonly name: string } & ZoneFacts): Promise<Place> =>
  unlessThere(`a zone named '${zone.name}'`, () =>
    db.insertInto('data_center').values(zone).returning(PLACE).executeTakeFirstOrThrow(),
  );

/** @throws AlreadyExists */
export const updateZone = (
  db: Queryable,
  zoneId: number,
  { name, ...facts }: { readonly name?: string | undefined } & ZoneFacts,
): Promise<Place> =>
  unlessThere(`a zone named '${name}'`, () =>
    db
      .updateTable('data_center')
      .set({ ...facts, name: name ?? sql.ref('name') })
      .where('id', '=', zoneId)
      .returning(PLACE)
      .executeTakeFirstOrThrow(),
  );

/** @throws AlreadyExists */
export const createCluster = (
  db: Queryable,
  cluster: {
    readonly zoneId: number;
    readonly name: string;
    readonly allocationState?: AllocationState | undefined;
  },
): Promise<Place> =>
  unlessThere(`a cluster named '${cluster.name}' in this zone`, () =>
    db
      .insertInto('cluster')
      .values({
        data_center_id: cluster.zoneId,
        name: cluster.name,
        allocation_state: cluster.allocationState ?? 'Enabled',
      })
      .returning(PLACE)
      .executeTakeFirstOrThrow(),
  );

/** @throws AlreadyExists */
export const updateCluster = (
  db: Queryable,
  clusterId: number,
  {
    name,
    allocationState,
  }: {
    readonly name: string | undefined;
    readonly allocationState: AllocationState | undefined;
  },
): Promise<Place> =>
  unlessThere(`a cluster named '${name}' in this zone`, () =>
    db
      .updateTable('cluster')
      .set({ name: name ?? sql.ref('name'), allocation_state: allocationState })
      .where('id', '=', clusterId)
      .returning(PLACE)
      .executeTakeFirstOrThrow(),
  );

async function unlessThere(what: string, insert: () => Promise<Place>): Promise<Place> {
  try {
    return await insert();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`there is ${what} already`, { cause: error });
  }
}

const zones = (db: Queryable) =>
  db.selectFrom('data_center').where('removed', 'is', null).select(PLACE).orderBy('id');

export const allZones = (db: Queryable): Promise<readonly Place[]> => zones(db).execute();

/**
 * Zones to look at now: those whose last turn was the longest ago, which is noted.
 * @param limit zones at most
 */
export const takeZones = (db: Queryable, limit: number): Promise<readonly Place[]> =>
  db
    .updateTable('data_center')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('data_center')
        .where('removed', 'is', null)
        .orderBy('swept', (order) => order.asc().nullsFirst())
        .orderBy('id')
        .limit(limit)
        .select('id'),
    )
    .set({ swept: sql<Date>`now()` })
    .returning(PLACE)
    .execute();

export const findZone = (db: Queryable, uuid: string): Promise<Place | undefined> =>
  zones(db).where('uuid', '=', uuid).executeTakeFirst();

export const findZones = async (
  db: Queryable,
  uuids: readonly string[],
): Promise<readonly (Place & { readonly allocation_state: AllocationState })[]> =>
  uuids.length === 0 ? [] : zones(db).where('uuid', 'in', uuids).select('allocation_state').execute();

export const findZoneByName = (db: Queryable, name: string): Promise<Place | undefined> =>
  zones(db).where('name', '=', name).executeTakeFirst();

const clusters = (db: Queryable) =>
  db.selectFrom('cluster').where('removed', 'is', null).select(PLACE).orderBy('id');

export const allClusters = (db: Queryable): Promise<readonly Place[]> => clusters(db).execute();

export const findCluster = (db: Queryable, uuid: string): Promise<Place | undefined> =>
  clusters(db).where('uuid', '=', uuid).executeTakeFirst();

export const findClusterByName = (db: Queryable, zoneId: number, name: string): Promise<Place | undefined> =>
  clusters(db).where('data_center_id', '=', zoneId).where('name', '=', name).executeTakeFirst();
