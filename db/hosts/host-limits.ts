/** How much a host may download: what an operator set, and what the host says is in force. */
import { sql } from 'kysely';
import type { HostLimits, LimitsReport } from '../../model/payloads.ts';
import type { Queryable } from '../database.ts';

/** What is to change; null: the host's own setting. */
export interface LimitChanges {
  readonly downloads?: number | null | undefined;
  /** Bytes per second; 0 for no limit. */
  readonly rate?: number | null | undefined;
}

export async function setHostLimits(
  db: Queryable,
  hostId: string,
  { downloads, rate }: LimitChanges,
): Promise<void> {
  await db
    .updateTable('host')
    .set({
      ...(downloads === undefined ? {} : { download_limit: downloads }),
      ...(rate === undefined ? {} : { rate_limit: rate }),
      limits_revision: sql<number>`limits_revision + 1`,
    })
    .where('uuid', '=', hostId)
    .execute();
}

/** What was set for a host; undefined when there is no such host. */
export async function hostLimitsOf(
  db: Queryable,
  hostId: string,
): Promise<{ readonly name: string; readonly limits: HostLimits } | undefined> {
  const row = await db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select(['name', 'download_limit', 'rate_limit', 'limits_revision'])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const limits: HostLimits = {
    revision: row.limits_revision,
    ...(row.download_limit === null ? {} : { downloads: row.download_limit }),
    ...(row.rate_limit === null ? {} : { rate: row.rate_limit }),
  };
  return { name: row.name, limits };
}

export async function recordCurrentLimits(
  tx: Queryable,
  hostId: string,
  { downloads, rate }: Pick<LimitsReport, 'downloads' | 'rate'>,
): Promise<void> {
  await tx
    .updateTable('host')
    .set({ current_download_limit: downloads, current_rate_limit: rate })
    .where('uuid', '=', hostId)
    .execute();
}
