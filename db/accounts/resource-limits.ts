/** How much accounts may have: templates, and what virtual machines take. */
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';

/** CloudStack's names of the resources that are limited, and the columns of the limits; null there: no limit. */
const LIMIT_COLUMNS = {
  user_vm: 'user_vm_limit',
  volume: 'volume_limit',
  template: 'template_limit',
  cpu: 'cpu_limit',
  memory: 'memory_limit',
  primary_storage: 'primary_storage_limit',
} as const;
export type LimitedResource = keyof typeof LIMIT_COLUMNS;

/** The limit of each resource; null for no limit. */
export type Limits = Readonly<Record<LimitedResource, number | null>>;

/** @returns undefined when there is no such account */
export async function limitsOf(db: Queryable, accountId: number): Promise<Limits | undefined> {
  const row = await db
    .selectFrom('account')
    .where('removed', 'is', null)
    .where('id', '=', accountId)
    .select(Object.values(LIMIT_COLUMNS))
    .executeTakeFirst();
  return row && limitsIn(row);
}

export type LimitColumns = Pick<Row<'account'>, (typeof LIMIT_COLUMNS)[LimitedResource]>;

export const limitsIn = (row: LimitColumns): Limits => ({
  user_vm: row.user_vm_limit,
  volume: row.volume_limit,
  template: row.template_limit,
  cpu: row.cpu_limit,
  memory: row.memory_limit,
  primary_storage: row.primary_storage_limit,
});

/** @param most null for no limit */
export async function setLimit(
  db: Queryable,
  accountId: number,
  resource: LimitedResource,
  most: number | null,
): Promise<void> {
  await db
    .updateTable('account')
    .set({ [LIMIT_COLUMNS[resource]]: most })
    .where('id', '=', accountId)
    .execute();
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
