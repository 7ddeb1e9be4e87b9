/** How many templates and ISOs an account may have. */
import type { Queryable } from './database.ts';
import type { Listing, Page } from './listings/page.ts';

export interface LimitRow {
  readonly account_name: string;
  /** Null for no limit. */
  readonly template_limit: number | null;
}

export async function listTemplateLimits(
  db: Queryable,
  { accountId }: { readonly accountId: number },
  { limit, offset }: Page,
): Promise<Listing<LimitRow>> {
  const accounts = db.selectFrom('account').where('removed', 'is', null).where('id', '=', accountId);
  const { count } = await accounts
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await accounts
    .select(['account_name', 'template_limit'])
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

/** @param most null for no limit */
export async function setTemplateLimit(db: Queryable, accountId: number, most: number | null): Promise<void> {
  await db.updateTable('account').set({ template_limit: most }).where('id', '=', accountId).execute();
}

export interface TemplateAllowance {
  readonly count: number;
  readonly limit: number | null;
}

export async function templateAllowance(db: Queryable, accountId: number): Promise<TemplateAllowance> {
  return db
    .selectFrom('account')
    .where('account.id', '=', accountId)
    .select((eb) => [
      'template_limit as limit',
      eb
        .selectFrom('vm_template')
        .whereRef('vm_template.account_id', '=', 'account.id')
        .where('vm_template.removed', 'is', null)
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .$asScalar()
        .$notNull()
        .as('count'),
    ])
    .executeTakeFirstOrThrow();
}
