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
  const counted = () =>
    db
      .selectFrom('template_spool_ref as copy')
      .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
      .$if(accountId !== undefined, (some) => some.where('template.account_id', '=', accountId ?? 0))
      .select(({ fn }) => fn.countAll<number>().as('count'));
  const rows = await counted().groupBy('copy.state').select('copy.state').execute();
  const lately = await counted()
    .where('copy.state', '=', sql.lit('Failed'))
    .where('copy.last_updated', '>', sql<Date>`now() - interval '1 day'`)
    .executeTakeFirstOrThrow();
  return {
    byState: Object.fromEntries(rows.map(({ state, count }) => [state, count])),
    failedLately: lately.count,
  };
}
