/** Copies that are verified anew, since other hosts got wrong bytes from them. */
import { sql } from 'kysely';
import { eventType, resourceTypeOf } from '../../model/event-types.ts';
import type { NamedHost } from '../../model/failures.ts';
import { findCopy, NO_ERROR } from '../copies/copies.ts';
import { titleOfCopy } from '../copies/outcomes.ts';
import type { Outcome } from '../copies/outcomes.ts';
import { usersOfCopy } from '../copies/users.ts';
import type { Database, Queryable } from '../database.ts';
import { recordEvent } from '../events/events.ts';
import type { CopyUuids } from '../jobs/jobs.ts';

export interface CopyToVerify {
  readonly copyId: string;
  readonly templateName: string;
  readonly poolName: string;
}

/** @returns undefined when the copy is not published any more */
export async function copyToVerify(db: Queryable, copy: CopyUuids): Promise<CopyToVerify | undefined> {
  const row = await findCopy(db, copy);
  if (row === undefined) return undefined;
  const { copyId, templateName, poolName } = row;
  const ready = await db
    .selectFrom('template_spool_ref')
    .where('id', '=', row.id)
    .where('state', '=', 'Ready')
    .where('sha256', 'is not', null)
    .select('id')
    .executeTakeFirst();
  return ready === undefined ? undefined : { copyId, templateName, poolName };
}

export interface Verified {
  readonly isRight: boolean;
  /** It is damaged, and nothing stands on it. */
  readonly mayGo: boolean;
}

/**
 * Compares what a host computed with what was recorded. A damaged copy that nothing stands on is failed from now on; one
 * that virtual machines stand on stays ready for them, and is given to no other host.
 * @param sha256 undefined when there is no such file
 */
export function recordVerification(
  db: Database,
  outcome: Outcome,
  found: { readonly copyId: string; readonly sha256: string | undefined; readonly host: NamedHost },
): Promise<Verified> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, outcome.copy);
    if (row === undefined || row.copyId !== found.copyId) return { isRight: true, mayGo: false };
    const { sha256, state, users } = await tx
      .selectFrom('template_spool_ref')
      .where('id', '=', row.id)
      .select(['sha256', 'state', usersOfCopy.as('users')])
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (state !== 'Ready') return { isRight: true, mayGo: false };
    const isRight = sha256 === found.sha256;
    const title = `${titleOfCopy(row)} on pool ${row.poolName}`;
    const mayGo = !isRight && users === 0;
    const damaged = {
      error_str: DAMAGED,
      error_kind: 'ContentRefused',
      error_host: JSON.stringify(found.host),
      ...(mayGo ? ({ state: 'Failed', download_state: 'DOWNLOAD_ERROR' } as const) : {}),
    } as const;
    await tx
      .updateTable('template_spool_ref')
      .set({ ...(isRight ? NO_ERROR : damaged), last_updated: sql<Date>`now()` })
      .where('id', '=', row.id)
      .execute();
    await recordEvent(tx, {
      type: eventType(row, 'COPY.VERIFY'),
      level: isRight ? 'INFO' : 'ERROR',
      description: isRight
        ? `${title} was verified anew: it is right`
        : `${title}: ${DAMAGED}${stays(users)}`,
      accountUuid: row.accountId,
      resourceType: resourceTypeOf(row),
      resourceUuid: outcome.copy.templateId,
      host: found.host,
      workflowId: outcome.workflowId,
      once: outcome.outcomeId,
    });
    return { isRight, mayGo };
  });
}

const DAMAGED = 'the file on the pool is not the image any more that was published there';

function stays(users: number): string {
  if (users === 0) return '; it is removed';
  return `; it stays, since ${users === 1 ? '1 virtual machine stands' : `${users} virtual machines stand`} on it`;
}
