/** All deployments in a few numbers. */
import { sql } from 'kysely';
import type { CopyState } from '../../model/states.ts';
import type { Queryable } from '../database.ts';

export interface DeploymentCounts {
  readonly byState: Readonly<Partial<Record<CopyState, number>>>;
  /** Failed, and did so within a day. */
  readonly failedLately: number;
}

/** @param accountId only those of this account's templates */
export async function countDeployments(
  db: Queryable,
  accountId: number | undefined,
): Promise<DeploymentCounts> {
  const rows = await db
    .selectFrom('template_spool_ref as copy')
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .$if(accountId !== undefined, (some) => some.where('template.account_id', '=', accountId ?? 0))
    .groupBy('copy.state')
    .select(({ fn }) => [
      'copy.state',
      fn.countAll<number>().as('count'),
      sql<number>`count(*) filter (where copy.last_updated > now() - interval '1 day')`.as('lately'),
    ])
    .execute();
  return {
    byState: Object.fromEntries(rows.map(({ state, count }) => [state, count])),
    failedLately: rows.find(({ state }) => state === 'Failed')?.lately ?? 0,
  };
}
