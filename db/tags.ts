/** Tags: a key and a value, put on templates and ISOs. */
import { sql } from 'kysely';
import type { Listing, Page } from './listings/page.ts';
import { containing } from './listings/page.ts';
import type { Queryable } from './database.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** A tag that is there already gets the new value. */
export async function setTags(
  db: Queryable,
  templateIds: readonly number[],
  tags: readonly Tag[],
): Promise<void> {
  await db
    .insertInto('resource_tag')
    .values(templateIds.flatMap((template_id) => tags.map((tag) => ({ template_id, ...tag }))))
    .onConflict((conflict) =>
      conflict.columns(['template_id', 'key']).doUpdateSet({ value: sql`excluded.value` }),
    )
    .execute();
}

/** @param tags those with these keys, and with their values where they have one; all, when absent */
export async function removeTags(
  db: Queryable,
  templateIds: readonly number[],
  tags: readonly { readonly key: string; readonly value?: string | undefined }[] | undefined,
): Promise<void> {
  await db
    .deleteFrom('resource_tag')
    .where('template_id', 'in', templateIds)
    .$if(tags !== undefined, (query) =>
      query.where((where) =>
        where.or(
          (tags ?? []).map(({ key, value }) =>
            where.and([where('key', '=', key), ...(value === undefined ? [] : [where('value', '=', value)])]),
          ),
        ),
      ),
    )
    .execute();
}

export interface TagQuery {
  /** Only those of this account's templates. */
  readonly accountId?: number | undefined;
  readonly iso?: boolean | undefined;
  readonly resourceId?: string | undefined;
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly keyword?: string | undefined;
}

export interface TagRow extends Tag {
  readonly template_uuid: string;
  readonly iso: boolean;
  readonly account_name: string;
}

export async function listTags(
  db: Queryable,
  query: TagQuery,
  { limit, offset }: Page,
): Promise<Listing<TagRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matching(db, query)
    .select([
      'tag.key',
      'tag.value',
      'template.uuid as template_uuid',
      'account.account_name',
      sql<boolean>`template.format = 'ISO'`.as('iso'),
    ])
    .orderBy('tag.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

function matching(db: Queryable, { accountId, iso, resourceId, key, value, keyword }: TagQuery) {
  let tags = db
    .selectFrom('resource_tag as tag')
    .innerJoin('vm_template as template', 'template.id', 'tag.template_id')
    .innerJoin('account', 'account.id', 'template.account_id')
    .where('template.removed', 'is', null);
  if (accountId !== undefined) tags = tags.where('template.account_id', '=', accountId);
  if (iso !== undefined) tags = tags.where('template.format', iso ? '=' : '!=', 'ISO');
  if (resourceId !== undefined) tags = tags.where('template.uuid', '=', resourceId);
  if (key !== undefined) tags = tags.where('tag.key', '=', key);
  if (value !== undefined) tags = tags.where('tag.value', '=', value);
  if (keyword !== undefined) tags = tags.where('tag.key', 'ilike', containing(keyword));
  return tags;
}

export interface TemplateTag extends Tag {
  readonly templateId: number;
}

export const tagsOfTemplates = async (
  db: Queryable,
  templateIds: readonly number[],
): Promise<readonly TemplateTag[]> =>
  templateIds.length === 0
    ? []
    : db
        .selectFrom('resource_tag')
        .where('template_id', 'in', templateIds)
        .select(['template_id as templateId', 'key', 'value'])
        .orderBy('id')
        .execute();
