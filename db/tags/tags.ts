/** Tags of templates, ISOs, virtual machines and networks: a key and a value. */
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import type { Listing, Page } from '../page.ts';
import { containing } from '../page.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** Of one resource: lists show all its tags. */
const MAX_TAGS = 100;

/** The tables of tags, by what they are on. */
const TABLES = {
  template: { table: 'resource_tag', owner: 'template_id', title: 'A template or ISO' },
  vm: { table: 'vm_tag', owner: 'vm_id', title: 'A virtual machine' },
  network: { table: 'network_tag', owner: 'network_id', title: 'A network' },
} as const;
export type TaggedKind = keyof typeof TABLES;

/**
 * Sets tags; an existing key gets the new value.
 * @param ids of the resources
 * @throws NotPossible when a resource would have too many
 */
export function setTags(
  db: Database,
  kind: TaggedKind,
  ids: readonly number[],
  tags: readonly Tag[],
): Promise<void> {
  const { table, owner, title } = TABLES[kind];
  const rows = ids.flatMap((id) => tags.map(({ key, value }) => sql`(${id}::bigint, ${key}, ${value})`));
  return db.transaction().execute(async (tx) => {
    await sql`
      insert into ${sql.table(table)} (${sql.ref(owner)}, key, value) values ${sql.join(rows)}
      on conflict (${sql.ref(owner)}, key) do update set value = excluded.value`.execute(tx);
    const full = await sql`
      select ${sql.ref(owner)} from ${sql.table(table)} where ${sql.ref(owner)} = any(${ids}::bigint[])
      group by ${sql.ref(owner)} having count(*) > ${MAX_TAGS}`.execute(tx);
    if (full.rows.length > 0) throw new NotPossible(`${title} has at most ${MAX_TAGS} tags`);
  });
}

/** @param tags those with these keys, and with their values where they have one; all, when absent */
export async function removeTags(
  db: Queryable,
  kind: TaggedKind,
  ids: readonly number[],
  tags: readonly { readonly key: string; readonly value?: string | undefined }[] | undefined,
): Promise<void> {
  const { table, owner } = TABLES[kind];
  const named = (tags ?? []).map(({ key, value }) =>
    value === undefined ? sql`key = ${key}` : sql`(key = ${key} and value = ${value})`,
  );
  await sql`
    delete from ${sql.table(table)}
    where ${sql.ref(owner)} = any(${ids}::bigint[]) and ${tags === undefined ? sql`true` : sql`(${sql.join(named, sql` or `)})`}`.execute(
    db,
  );
}

/** The tags of a resource, as a column of its list. @param id the column of its id, such as `vm.id` */
export function tagsOf(kind: TaggedKind, id: string): RawBuilder<readonly Tag[]> {
  const { table, owner } = TABLES[kind];
  return sql<readonly Tag[]>`(
    select coalesce(jsonb_agg(jsonb_build_object('key', tag.key, 'value', tag.value) order by tag.id), '[]')
    from ${sql.table(table)} tag where ${sql.ref(`tag.${owner}`)} = ${sql.ref(id)})`;
}

/** Whether a resource has a tag, as a condition of its list. @param id the column of its id, such as `vm.id` */
export function hasTag(kind: TaggedKind, id: string, { key, value }: Tag): RawBuilder<SqlBool> {
  const { table, owner } = TABLES[kind];
  return sql<SqlBool>`exists (
    select from ${sql.table(table)} tag
    where ${sql.ref(`tag.${owner}`)} = ${sql.ref(id)} and tag.key = ${key} and tag.value = ${value})`;
}

/** As CloudStack names the types of resources. */
export const TAGGED_TYPES = ['Template', 'ISO', 'UserVm', 'Network'] as const;
export type TaggedType = (typeof TAGGED_TYPES)[number];

export interface TagQuery {
  /** Only those of this account's resources. */
  readonly accountId?: number | undefined;
  readonly type?: TaggedType | undefined;
  readonly resourceId?: string | undefined;
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly keyword?: string | undefined;
}

export interface TagRow extends Tag {
  readonly type: TaggedType;
  readonly resource_uuid: string;
  readonly account_name: string;
}

/** For each type of resource, its table, that of its tags, and which rows are of the type. */
const LISTED = [
  { type: 'Template', kind: 'template', resource: 'vm_template', only: sql`and resource.format <> 'ISO'` },
  { type: 'ISO', kind: 'template', resource: 'vm_template', only: sql`and resource.format = 'ISO'` },
  { type: 'UserVm', kind: 'vm', resource: 'vm_instance', only: sql`` },
  { type: 'Network', kind: 'network', resource: 'networks', only: sql`` },
] as const satisfies readonly {
  readonly type: TaggedType;
  readonly kind: TaggedKind;
  readonly resource: string;
  readonly only: RawBuilder<unknown>;
}[];

export async function listTags(
  db: Queryable,
  query: TagQuery,
  { limit, offset }: Page,
): Promise<Listing<TagRow>> {
  const asked = LISTED.filter(({ type }) => query.type === undefined || type === query.type);
  const keys = query.keyword === undefined ? undefined : await keysWith(db, query.keyword);
  const matching = (one: (typeof LISTED)[number]) => tagsThatMatch(one, query, keys);
  const counts = asked.map((one) => sql`(select count(*) ${matching(one)})`);
  const counted = await sql<{ count: number }>`select ${sql.join(counts, sql` + `)} as count`.execute(db);
  // Of each type no more than the page can show, in the order in which an index has them.
  const first = asked.map(
    (one) => sql`(
      select tag.id, tag.created, tag.key, tag.value, ${sql.lit(one.type)} as type, resource.uuid as resource_uuid,
        resource.account_id
      ${matching(one)} order by tag.created, tag.id limit ${offset + limit})`,
  );
  const { rows } = await sql<TagRow>`
    select tag.key, tag.value, tag.type, tag.resource_uuid, account.account_name
    from (${sql.join(first, sql` union all `)}) tag join account on account.id = tag.account_id
    order by tag.created, tag.id limit ${limit} offset ${offset}`.execute(db);
  return { count: counted.rows[0]?.count ?? 0, rows };
}

/** The keys with such a part: few, however many tags have them. */
async function keysWith(db: Queryable, keyword: string): Promise<readonly string[]> {
  const keys = Object.values(TABLES).map(
    ({ table }) => sql`select key from ${sql.table(table)} where key ilike ${containing(keyword)}`,
  );
  const { rows } = await sql<{ key: string }>`${sql.join(keys, sql` union `)}`.execute(db);
  return rows.map(({ key }) => key);
}

const tagsThatMatch = (
  { kind, resource, only }: (typeof LISTED)[number],
  { accountId, resourceId, key, value }: TagQuery,
  keys: readonly string[] | undefined,
): RawBuilder<unknown> => {
  const { table, owner } = TABLES[kind];
  const conditions = [
    sql`resource.removed is null`,
    ...(accountId === undefined ? [] : [sql`resource.account_id = ${accountId}`]),
    ...(resourceId === undefined ? [] : [sql`resource.uuid = ${resourceId}`]),
    ...(key === undefined ? [] : [sql`tag.key = ${key}`]),
    ...(value === undefined ? [] : [sql`tag.value = ${value}`]),
    ...(keys === undefined ? [] : [sql`tag.key = any(${keys}::text[])`]),
  ];
  return sql`from ${sql.table(table)} tag
    join ${sql.table(resource)} resource on resource.id = ${sql.ref(`tag.${owner}`)}
    where ${sql.join(conditions, sql` and `)} ${only}`;
};
