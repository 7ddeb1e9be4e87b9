/** Zones, clusters and guest operating systems as lists show them. */
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';
import { containing, type Listing, type Page } from './page.ts';

/** The id of nothing: no list of values is empty in SQL. */
const NIL = '00000000-0000-0000-0000-000000000000';

export interface PlaceQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
}

export async function listZones(
  db: Queryable,
  { id, ids, name, keyword }: PlaceQuery & { readonly ids?: readonly string[] | undefined },
  { limit, offset }: Page,
): Promise<Listing<Row<'data_center'>>> {
  let matching = db.selectFrom('data_center').where('removed', 'is', null);
  if (id !== undefined) matching = matching.where('uuid', '=', id);
  if (ids !== undefined) matching = matching.where('uuid', 'in', ids.length === 0 ? [NIL] : ids);
  if (name !== undefined) matching = matching.where('name', '=', name);
  if (keyword !== undefined) matching = matching.where('name', 'ilike', containing(keyword));
  const { count } = await matching
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matching.selectAll().orderBy('id').limit(limit).offset(offset).execute();
  return { count, rows };
}

export type ClusterListRow = Row<'cluster'> & { readonly zone_uuid: string; readonly zone_name: string };

export async function listClusters(
  db: Queryable,
  query: Omit<PlaceQuery, 'id'> & {
    /** It is all of them. */
    readonly ids?: readonly string[];
    readonly zoneId?: string | undefined;
  },
  { limit, offset }: Page,
): Promise<Listing<ClusterListRow>> {
  const { ids, name, keyword, zoneId } = query;
  let matching = db
    .selectFrom('cluster')
    .innerJoin('data_center as zone', 'zone.id', 'cluster.data_center_id')
    .where('cluster.removed', 'is', null);
  for (const id of ids ?? []) matching = matching.where('cluster.uuid', '=', id);
  if (name !== undefined) matching = matching.where('cluster.name', '=', name);
  if (zoneId !== undefined) matching = matching.where('zone.uuid', '=', zoneId);
  if (keyword !== undefined) matching = matching.where('cluster.name', 'ilike', containing(keyword));
  const { count } = await matching
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matching
    .selectAll('cluster')
    .select(['zone.uuid as zone_uuid', 'zone.name as zone_name'])
    .orderBy('cluster.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

export async function listGuestOs(
  db: Queryable,
  query: {
    readonly id?: string | undefined;
    readonly ids?: readonly string[] | undefined;
    readonly description?: string | undefined;
    readonly category?: string | undefined;
    readonly keyword?: string | undefined;
  },
  { limit, offset }: Page,
): Promise<Listing<Row<'guest_os'>>> {
  const { id, ids, description, category, keyword } = query;
  let matching = db.selectFrom('guest_os');
  if (id !== undefined) matching = matching.where('uuid', '=', id);
  if (ids !== undefined) matching = matching.where('uuid', 'in', ids.length === 0 ? [NIL] : ids);
  if (category !== undefined) matching = matching.where('category', '=', category);
  if (description !== undefined) matching = matching.where('display_name', '=', description);
  if (keyword !== undefined) matching = matching.where('display_name', 'ilike', containing(keyword));
  const { count } = await matching
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matching.selectAll().orderBy('id').limit(limit).offset(offset).execute();
  return { count, rows };
}

export const findGuestOs = (db: Queryable, uuid: string): Promise<Row<'guest_os'> | undefined> =>
  db.selectFrom('guest_os').where('uuid', '=', uuid).selectAll().executeTakeFirst();

export const findGuestOsByName = (db: Queryable, name: string): Promise<Row<'guest_os'> | undefined> =>
  db.selectFrom('guest_os').where('display_name', '=', name).selectAll().executeTakeFirst();

export const listOsCategories = (db: Queryable): Promise<readonly { readonly name: string }[]> =>
  db.selectFrom('guest_os').select('category as name').distinct().orderBy('category').execute();
