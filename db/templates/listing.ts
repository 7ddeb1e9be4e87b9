/** Templates and ISOs as lists show them: one row per template and zone. */
import { expressionBuilder, type SqlBool, sql } from 'kysely';
import type { CopyState } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import type { Row, Tables } from '../tables.ts';
import { hasTag, type Tag, tagsOf } from '../tags/tags.ts';
import { countOf } from '../count.ts';
import { containing, type Listing, type Order, type Page } from '../page.ts';

export const TEMPLATE_FILTERS = [
  'featured',
  'self',
  'selfexecutable',
  'sharedexecutable',
  'executable',
  'community',
  'all',
] as const;
export type TemplateFilter = (typeof TEMPLATE_FILTERS)[number];

export interface TemplateQuery {
  readonly iso: boolean;
  /** The account that the list is for, and whether its role is administrator. */
  readonly accountId: number;
  readonly admin: boolean;
  /** Which of those that he may see; means nothing where ids are given. */
  readonly filter: TemplateFilter;
  readonly ids?: readonly string[] | undefined;
  /** Only those of this account, which is then also who `self` is. */
  readonly ownerId?: number | undefined;
  readonly name?: string | undefined;
  readonly zoneId?: string | undefined;
  readonly keyword?: string | undefined;
  readonly format?: Row<'vm_template'>['format'] | undefined;
  /** As in CloudStack, false is no condition; nor is it of `public`. */
  readonly ready?: boolean | undefined;
  /** Those with a copy in this state. */
  readonly copyState?: CopyState | undefined;
  readonly bootable?: boolean | undefined;
  readonly public?: boolean | undefined;
  readonly arch?: string | undefined;
  /** Of the guest operating system. */
  readonly category?: string | undefined;
  /** Those that lie on this pool. */
  readonly poolId?: string | undefined;
  readonly showRemoved?: boolean | undefined;
  /** All of them. */
  readonly tags?: readonly Tag[] | undefined;
  /** One row per template, with the zone that is asked for, or the first one. */
  readonly unique?: boolean | undefined;
  readonly order?: Order<TemplateColumn> | undefined;
}

const COLUMNS = {
  /** Could be had. */
  created: 't.listed',
  name: 't.name',
  format: 't.format',
  size: 't.size',
  account: 'account.account_name',
} as const;
export type TemplateColumn = keyof typeof COLUMNS;
export const TEMPLATE_COLUMNS = Object.keys(COLUMNS) as readonly TemplateColumn[];

export type TemplateListRow = Row<'vm_template'> & {
  readonly account_name: string;
  readonly account_uuid: string;
  readonly os_uuid: string | null;
  readonly os_name: string | null;
  readonly zone_uuid: string | null;
  readonly zone_name: string | null;
  readonly download_state: Row<'template_store_ref'>['download_state'] | null;
  readonly tags: readonly Tag[];
};

export async function listTemplates(
  db: Queryable,
  query: TemplateQuery,
  { limit, offset }: Page,
): Promise<Listing<TemplateListRow>> {
  const count = await countAll(db, query);
  if (count <= offset) return { count, rows: [] };
  const { by, direction } = query.order ?? { by: 'created', direction: 'asc' };
  const rows = await matching(db, query)
    .selectAll('t')
    .select([
      'account.account_name',
      'account.uuid as account_uuid',
      'guest_os.uuid as os_uuid',
      'guest_os.display_name as os_name',
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      'store.download_state',
      tagsOf('template', 't.id').as('tags'),
    ])
    .orderBy(COLUMNS[by], direction)
    .orderBy('t.id')
    .orderBy('zone.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

/** What is asked for by a condition whose changes are not written down is counted each time. */
async function countAll(db: Queryable, query: TemplateQuery): Promise<number> {
  const { arch, category, poolId } = query;
  if (arch === undefined && category === undefined && poolId === undefined)
    return countOf(db, 'template', counted(db, query));
  return (await counted(db, query).executeTakeFirstOrThrow()).count;
}

/** Entries of the list. How many zones a template has stands with it, so that only those of one zone are looked up. */
const counted = (db: Queryable, query: TemplateQuery) =>
  query.unique !== true && query.zoneId !== undefined
    ? matching(db, query).select(({ fn }) => fn.countAll<number>().as('count'))
    : db
        .selectFrom('vm_template as t')
        .where(eb.and(conditions(query)))
        .select(
          query.unique === true
            ? sql<number>`count(*)`.as('count')
            : sql<number>`coalesce(sum(greatest(t.zones, 1)), 0)`.as('count'),
        );

function matching(db: Queryable, query: TemplateQuery) {
  const eachZone = query.unique === true ? isFirstZone(query.zoneId) : sql<SqlBool>`true`;
  return db
    .selectFrom('vm_template as t')
    .innerJoin('account', 'account.id', 't.account_id')
    .leftJoin('guest_os', 'guest_os.id', 't.guest_os_id')
    .leftJoin('template_store_ref as store', (join) =>
      join.onRef('store.template_id', '=', 't.id').on('store.store_id', 'is', null),
    )
    .leftJoin('template_zone_ref as in_zone', (join) =>
      join.onRef('in_zone.template_id', '=', 't.id').on(eachZone),
    )
    .leftJoin('data_center as zone', 'zone.id', 'in_zone.zone_id')
    .where(eb.and(conditions(query)));
}

const eb = expressionBuilder<
  Tables & { t: Tables['vm_template']; zone: Tables['data_center'] },
  't' | 'zone'
>();

function conditions(query: TemplateQuery) {
  const own = eb('t.account_id', '=', query.accountId);
  const { ids, name, zoneId, keyword } = query;
  return [
    query.iso ? eb('t.format', '=', 'ISO') : eb('t.format', '!=', 'ISO'),
    ids === undefined ? filtered(query) : eb('t.uuid', 'in', ids),
    ...(query.admin ? [] : [eb.or([own, eb('t.public', '=', true), isShared(query.accountId)])]),
    // A template whose URLs are still being checked is visible to its owner only, and only when asked for by id.
    ids === undefined ? eb('t.state', '!=', 'NotUploaded') : eb.or([eb('t.state', '!=', 'NotUploaded'), own]),
    query.showRemoved === true
      ? eb.or([eb('t.removed', 'is', null), query.admin ? eb.lit(true) : own])
      : eb('t.removed', 'is', null),
    ...(name === undefined ? [] : [eb('t.name', '=', name)]),
    ...(keyword === undefined ? [] : [mentions(keyword)]),
    ...(query.format === undefined ? [] : [eb('t.format', '=', query.format)]),
    ...(query.ready === true ? [eb('t.state', '=', 'Active')] : []),
    ...(query.copyState === undefined ? [] : [hasCopy(query.copyState)]),
    ...(query.bootable === undefined ? [] : [eb('t.bootable', '=', query.bootable)]),
    ...(query.ownerId === undefined ? [] : [eb('t.account_id', '=', query.ownerId)]),
    ...(query.arch === undefined ? [] : [eb('t.arch', '=', query.arch)]),
    ...(query.category === undefined ? [] : [isOfCategory(query.category)]),
    ...(query.poolId === undefined ? [] : [liesOn(query.poolId)]),
    ...(query.public === true ? [eb('t.public', '=', true)] : []),
    ...(zoneId === undefined ? [] : [inZone(zoneId, query.unique === true)]),
    ...(query.tags ?? []).map((tag) => hasTag('template', 't.id', tag)),
  ];
}

function filtered({ filter, accountId, ownerId, admin }: TemplateQuery) {
  const isPublic = eb('t.public', '=', true);
  const featured = eb('t.featured', '=', true);
  const own = eb('t.account_id', '=', ownerId ?? accountId);
  const shared = isShared(accountId);
  return {
    featured: eb.and([isPublic, featured]),
    community: eb.and([isPublic, eb.not(featured)]),
    executable: eb.or([own, isPublic, shared]),
    self: own,
    selfexecutable: own,
    sharedexecutable: eb.and([shared, eb.not(own)]),
    all: eb.lit(admin),
  }[filter];
}

const isShared = (accountId: number) =>
  eb(
    't.id',
    'in',
    eb.selectFrom('launch_permission as p').where('p.account_id', '=', accountId).select('p.template_id'),
  );

/** Of `in_zone`: whether this is the zone that represents all zones of a template. */
const isFirstZone = (zoneId: string | undefined) => sql<SqlBool>`in_zone.id = (
  select r.id from template_zone_ref r join data_center d on d.id = r.zone_id
  where r.template_id = t.id and ${zoneId === undefined ? sql`true` : sql`d.uuid = ${zoneId}`}
  order by r.zone_id limit 1)`;

const isOfCategory = (category: string) =>
  eb(
    't.guest_os_id',
    'in',
    eb.selectFrom('guest_os as os').where('os.category', '=', category).select('os.id'),
  );

const liesOn = (poolId: string) =>
  eb.exists(
    eb
      .selectFrom('template_spool_ref as copy')
      .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
      .whereRef('copy.template_id', '=', 't.id')
      .where('pool.uuid', '=', poolId)
      .where('copy.download_state', '=', 'DOWNLOADED')
      .select('copy.id'),
  );

const mentions = (keyword: string) =>
  eb.or([eb('t.name', 'ilike', containing(keyword)), eb('t.display_text', 'ilike', containing(keyword))]);

const hasCopy = (state: CopyState) =>
  eb(
    't.id',
    'in',
    eb.selectFrom('template_spool_ref as copy').where('copy.state', '=', state).select('copy.template_id'),
  );

const inZone = (zoneId: string, unique: boolean) =>
  unique
    ? eb.exists(
        eb
          .selectFrom('template_zone_ref as r')
          .innerJoin('data_center as d', 'd.id', 'r.zone_id')
          .whereRef('r.template_id', '=', 't.id')
          .where('d.uuid', '=', zoneId)
          .select('r.id'),
      )
    : eb('zone.uuid', '=', zoneId);

export interface TemplatePool {
  readonly templateId: number;
  readonly zoneId: string;
  readonly poolId: string;
  readonly poolName: string;
  readonly downloadState: string;
  readonly percent: number;
}

/** Pools of all templates of an answer together, and those of one template in one zone that are shown in any case. */
const [MAX_POOLS, MIN_POOLS] = [10_000, 10];

/** Where the templates lie, or are to lie: of many templates, each on its first pools. */
export async function poolsOfTemplates(
  db: Queryable,
  templateIds: readonly number[],
): Promise<readonly TemplatePool[]> {
  if (templateIds.length === 0) return [];
  const { rows } = await sql<TemplatePool>`
    select template.id as "templateId", zone.uuid as "zoneId", pool.*
    from unnest(${templateIds}::bigint[]) template (id)
    cross join data_center zone
    cross join lateral (
      select pool.uuid as "poolId", pool.name as "poolName", copy.download_state as "downloadState",
        copy.download_pct as percent
      from template_spool_ref copy join storage_pool pool on pool.id = copy.pool_id
      where copy.template_id = template.id and pool.data_center_id = zone.id
      order by pool.id
      limit greatest(${MIN_POOLS}::bigint, ${Math.floor(MAX_POOLS / templateIds.length)}::bigint / (select count(*) from data_center))) pool
    order by "poolName", "poolId"`.execute(db);
  return rows;
}

/** Bytes of the details of each template that has any. */
export async function detailSizes(
  db: Queryable,
  templateIds: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (templateIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('vm_template_details')
    .where('template_id', 'in', templateIds)
    .groupBy('template_id')
    .select(['template_id', sql<number>`sum(octet_length(name) + octet_length(value))::integer`.as('bytes')])
    .execute();
  return new Map(rows.map(({ template_id, bytes }) => [template_id, bytes]));
}

export const detailsOfTemplates = async (
  db: Queryable,
  templateIds: readonly number[],
): Promise<readonly Row<'vm_template_details'>[]> =>
  templateIds.length === 0
    ? []
    : db
        .selectFrom('vm_template_details')
        .where('template_id', 'in', templateIds)
        .where('display', '=', true)
        .selectAll()
        .orderBy('name')
        .execute();

export const mirrorsOfTemplates = async (
  db: Queryable,
  templateIds: readonly number[],
): Promise<readonly Row<'template_mirror'>[]> =>
  templateIds.length === 0
    ? []
    : db
        .selectFrom('template_mirror')
        .where('template_id', 'in', templateIds)
        .selectAll()
        .orderBy('priority')
        .orderBy('id')
        .execute();

/** A template or ISO by its id, also one that is being checked or was removed. */
export const findTemplate = (db: Queryable, uuid: string): Promise<Row<'vm_template'> | undefined> =>
  db.selectFrom('vm_template').where('uuid', '=', uuid).selectAll().executeTakeFirst();

/** The UUIDs of the zones that it is registered in. */
export async function zonesOfTemplate(db: Queryable, templateId: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('template_zone_ref as r')
    .innerJoin('data_center as zone', 'zone.id', 'r.zone_id')
    .where('r.template_id', '=', templateId)
    .select('zone.uuid')
    .execute();
  return rows.map(({ uuid }) => uuid);
}
