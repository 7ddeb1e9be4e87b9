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

/** The tags of all resources that there are. */
const everyTag = sql`(
  select tag.id, tag.created, tag.key, tag.value, r.uuid as resource_uuid, r.account_id,
    case r.format when 'ISO' then 'ISO' else 'Template' end as type
  from resource_tag tag join vm_template r on r.id = tag.template_id where r.removed is null
  union all
  select tag.id, tag.created, tag.key, tag.value, r.uuid, r.account_id, 'UserVm'
  from vm_tag tag join vm_instance r on r.id = tag.vm_id where r.removed is null
  union all
  select tag.id, tag.created, tag.key, tag.value, r.uuid, r.account_id, 'Network'
  from network_tag tag join networks r on r.id = tag.network_id where r.removed is null)`;

export async function listTags(
  db: Queryable,
  query: TagQuery,
  { limit, offset }: Page,
): Promise<Listing<TagRow>> {
  const matching = sql`from ${everyTag} as tag join account on account.id = tag.account_id where ${conditions(query)}`;
  const counted = await sql<{ count: number }>`select count(*) as count ${matching}`.execute(db);
  const { rows } = await sql<TagRow>`
    select tag.key, tag.value, tag.type, tag.resource_uuid, account.account_name ${matching}
    order by tag.created, tag.id limit ${limit} offset ${offset}`.execute(db);
  return { count: counted.rows[0]?.count ?? 0, rows };
}

const conditions = ({ accountId, type, resourceId, key, value, keyword }: TagQuery) =>
  sql.join(
    [
      sql`true`,
      ...(accountId === undefined ? [] : [sql`tag.account_id = ${accountId}`]),
      ...(type === undefined ? [] : [sql`tag.type = ${type}`]),
      ...(resourceId === undefined ? [] : [sql`tag.resource_uuid = ${resourceId}`]),
      ...(key === undefined ? [] : [sql`tag.key = ${key}`]),
      ...(value === undefined ? [] : [sql`tag.value = ${value}`]),
      ...(keyword === undefined ? [] : [sql`tag.key ilike ${containing(keyword)}`]),
    ],
    sql` and `,
  );
