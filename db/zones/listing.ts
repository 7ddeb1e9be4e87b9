/** Lists zones, clusters and guest operating systems. */
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';
import type { AllocationState } from './tables.ts';
import { containing, type Listing, type Page } from '../page.ts';

/** An id that no row has: SQL allows no empty list of values. */
const NIL = '00000000-0000-0000-0000-000000000000';

export interface PlaceQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
}

export async function listZones(
  db: Queryable,
  {
    id,
    ids,
    name,
    networkType,
    enabledOnly,
    keyword,
  }: PlaceQuery & {
    readonly ids?: readonly string[] | undefined;
    readonly networkType?: 'Basic' | 'Advanced' | undefined;
    readonly enabledOnly?: boolean;
  },
  { limit, offset }: Page,
): Promise<Listing<Row<'data_center'>>> {
  let matching = db.selectFrom('data_center').where('removed', 'is', null);
  if (id !== undefined) matching = matching.where('uuid', '=', id);
  if (ids !== undefined) matching = matching.where('uuid', 'in', ids.length === 0 ? [NIL] : ids);
  if (name !== undefined) matching = matching.where('name', '=', name);
  if (networkType !== undefined) matching = matching.where('networktype', '=', networkType);
  if (enabledOnly === true) matching = matching.where('allocation_state', '=', 'Enabled');
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
    /** The cluster must have each of these ids. */
    readonly ids?: readonly string[];
    readonly zoneId?: string | undefined;
    readonly allocationState?: AllocationState | undefined;
  },
  { limit, offset }: Page,
): Promise<Listing<ClusterListRow>> {
  const { ids, name, keyword, zoneId, allocationState } = query;
  let matching = db
    .selectFrom('cluster')
    .innerJoin('data_center as zone', 'zone.id', 'cluster.data_center_id')
    .where('cluster.removed', 'is', null);
  for (const id of ids ?? []) matching = matching.where('cluster.uuid', '=', id);
  if (name !== undefined) matching = matching.where('cluster.name', '=', name);
  if (zoneId !== undefined) matching = matching.where('zone.uuid', '=', zoneId);
  if (allocationState !== undefined)
    matching = matching.where('cluster.allocation_state', '=', allocationState);
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
