/** Events as lists show them: the newest first. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';
import { countOf } from '../count.ts';
import { containing, type Listing, type Page } from '../page.ts';

export interface EventQuery {
  /** Only those of this account. */
  readonly accountId?: number | undefined;
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly level?: Row<'event'>['level'] | undefined;
  readonly state?: Row<'event'>['state'] | undefined;
  readonly resourceId?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly start?: Date | undefined;
  readonly end?: Date | undefined;
  readonly keyword?: string | undefined;
}

export type EventListRow = Row<'event'> & {
  readonly username: string | null;
  readonly account_name: string | null;
  readonly resource_name: string | null;
};

export async function listEvents(
  db: Queryable,
  query: EventQuery,
  { limit, offset }: Page,
): Promise<Listing<EventListRow>> {
  const all = matching(db, query).select(({ fn }) => fn.countAll<number>().as('count'));
  const count = await countOf(db, 'event', all);
  const rows = await matching(db, query)
    .leftJoin('user', 'user.id', 'event.user_id')
    .leftJoin('account', 'account.id', 'event.account_id')
    .selectAll('event')
    .select(['user.username', 'account.account_name', nameOfResource])
    .orderBy('event.created', 'desc')
    .orderBy('event.id', 'desc')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

/** By its UUID alone: it is of one table only. */
const nameOfResource = sql<string | null>`coalesce(
  (select name from vm_template where uuid = event.resource_uuid),
  (select name from vm_instance where uuid = event.resource_uuid),
  (select name from host where uuid = event.resource_uuid),
  (select name from storage_pool where uuid = event.resource_uuid),
  (select name from data_center where uuid = event.resource_uuid),
  (select name from cluster where uuid = event.resource_uuid),
  (select alias from direct_download_certificate where uuid = event.resource_uuid),
  (select account_name from account where uuid = event.resource_uuid),
  (select username from "user" where uuid = event.resource_uuid),
  (select name from service_offering where uuid = event.resource_uuid),
  (select name from disk_offering where uuid = event.resource_uuid),
  (select name from network_offerings where uuid = event.resource_uuid),
  (select name from networks where uuid = event.resource_uuid),
  (select name from ssh_keypair where uuid = event.resource_uuid),
  (select name from user_data where uuid = event.resource_uuid),
  (select name from instance_group where uuid = event.resource_uuid))`.as('resource_name');

function matching(db: Queryable, query: EventQuery) {
  const { accountId, id, type, level, state, resourceId, resourceType, start, end, keyword } = query;
  let events = db.selectFrom('event');
  if (accountId !== undefined) events = events.where('event.account_id', '=', accountId);
  if (id !== undefined) events = events.where('event.uuid', '=', id);
  if (type !== undefined) events = events.where('event.type', '=', type);
  if (level !== undefined) events = events.where('event.level', '=', level);
  if (state !== undefined) events = events.where('event.state', '=', state);
  if (resourceId !== undefined) events = events.where('event.resource_uuid', '=', resourceId);
  if (resourceType !== undefined) events = events.where('event.resource_type', '=', resourceType);
  if (start !== undefined) events = events.where('event.created', '>=', start);
  if (end !== undefined) events = events.where('event.created', '<=', end);
  if (keyword !== undefined) events = events.where('event.description', 'ilike', containing(keyword));
  return events;
}
