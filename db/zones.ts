/** Zones and their clusters: made by the operator, never by a host that joins. */
import { AlreadyExists } from './accounts.ts';
import { isUniqueViolation, type Queryable } from './database.ts';

/** A zone or cluster by its numeric key, its UUID and its name. */
export interface Place {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
}

const PLACE = ['id', 'uuid', 'name'] as const;

/** @throws AlreadyExists */
export async function createZone(
  db: Queryable,
  zone: { readonly name: string; readonly demandAllMirrors?: boolean },
): Promise<Place> {
  return unlessThere(`a zone named '${zone.name}'`, () =>
    db
      .insertInto('data_center')
      .values({ name: zone.name, demand_all_mirrors: zone.demandAllMirrors ?? false })
      .returning(PLACE)
      .executeTakeFirstOrThrow(),
  );
}

/** @throws AlreadyExists */
export async function createCluster(
  db: Queryable,
  cluster: { readonly zoneId: number; readonly name: string },
): Promise<Place> {
  return unlessThere(`a cluster named '${cluster.name}' in this zone`, () =>
    db
      .insertInto('cluster')
      .values({ data_center_id: cluster.zoneId, name: cluster.name })
      .returning(PLACE)
      .executeTakeFirstOrThrow(),
  );
}

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

export const findZone = (db: Queryable, uuid: string): Promise<Place | undefined> =>
  zones(db).where('uuid', '=', uuid).executeTakeFirst();

export const findZones = async (db: Queryable, uuids: readonly string[]): Promise<readonly Place[]> =>
  uuids.length === 0 ? [] : zones(db).where('uuid', 'in', uuids).execute();

export const findZoneByName = (db: Queryable, name: string): Promise<Place | undefined> =>
  zones(db).where('name', '=', name).executeTakeFirst();

const clusters = (db: Queryable) =>
  db.selectFrom('cluster').where('removed', 'is', null).select(PLACE).orderBy('id');

export const allClusters = (db: Queryable): Promise<readonly Place[]> => clusters(db).execute();

export const findCluster = (db: Queryable, uuid: string): Promise<Place | undefined> =>
  clusters(db).where('uuid', '=', uuid).executeTakeFirst();

export const findClusterByName = (db: Queryable, zoneId: number, name: string): Promise<Place | undefined> =>
  clusters(db).where('data_center_id', '=', zoneId).where('name', '=', name).executeTakeFirst();
