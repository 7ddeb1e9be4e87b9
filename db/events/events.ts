/** Who did what to what, and how it ended. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { NamedHost } from '../../model/failures.ts';
import type { Queryable } from '../database.ts';
import { rowId } from '../row-id.ts';
import type { Row } from '../tables.ts';

export interface NewEvent {
  /** As CloudStack names it, such as `TEMPLATE.CREATE`. */
  readonly type: string;
  readonly level?: Row<'event'>['level'];
  readonly state?: Row<'event'>['state'];
  /** A sentence for every user: it names no host, but where the event is about a host. */
  readonly description: string;
  /** The host on which it happened. Only administrators see it. */
  readonly host?: NamedHost;
  readonly userUuid?: string;
  readonly accountUuid?: string;
  /** Ids of user and account as expressions of SQL, instead of their UUIDs. */
  readonly ids?: { readonly user?: RawBuilder<number>; readonly account?: RawBuilder<number> };
  readonly resourceType:
    | 'VirtualMachineTemplate'
    | 'ISO'
    | 'Host'
    | 'StoragePool'
    | 'Zone'
    | 'Cluster'
    | 'User'
    | 'Account'
    | 'Configuration'
    | 'DirectDownloadCertificate'
    | 'VirtualMachine'
    | 'ServiceOffering'
    | 'DiskOffering'
    | 'NetworkOffering'
    | 'Network'
    | 'SSHKeyPair'
    | 'UserData'
    | 'InstanceGroup';
  readonly resourceUuid: string;
  readonly workflowId?: string;
  /** Identifies the outcome: a second event with the same value is not recorded. */
  readonly once?: string;
}

export async function recordEvent(db: Queryable, event: NewEvent): Promise<void> {
  await db
    .insertInto('event')
    .values({
      type: event.type,
      level: event.level ?? 'INFO',
      state: event.state ?? 'Completed',
      description: event.description,
      host: event.host === undefined ? null : JSON.stringify(event.host),
      user_id: event.ids?.user ?? idOf('user', event.userUuid),
      account_id: event.ids?.account ?? idOf('account', event.accountUuid),
      resource_type: event.resourceType,
      resource_uuid: event.resourceUuid,
      workflow_id: event.workflowId ?? null,
      once: event.once ?? null,
    })
    .onConflict((conflict) => conflict.column('once').doNothing())
    .execute();
}

/** Those of these outcomes of which an event has told (`once`). */
export async function toldEvents(db: Queryable, outcomes: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql<{ once: string }>`
    select once from event where once = any(${[...outcomes]}::text[])`.execute(db);
  return rows.map(({ once }) => once);
}

/** Describes a URL that the policy refused. */
export const denialOf = (denial: {
  readonly title: string;
  /** `no host`: the api refused the URL itself. */
  readonly who: 'no host' | 'the host';
  readonly url: string;
  readonly rule: string;
  readonly reason: string | undefined;
}): string =>
  `${denial.title}: ${denial.who === 'no host' ? 'no host is asked to connect' : 'the host did not connect'} to ${denial.url} (rule ${denial.rule}): it ${denial.reason ?? 'is refused'}`;

const idOf = (table: 'user' | 'account', uuid: string | undefined) =>
  uuid === undefined ? null : rowId(table, uuid);

/** Deletes events older than `days`. @returns how many, at most `limit` */
export async function deleteOldEvents(db: Queryable, days: number, limit: number): Promise<number> {
  const deleted = await sql`
    delete from event where id in (
      select id from event where created < now() - make_interval(days => ${days}) order by created limit ${limit})`.execute(
    db,
  );
  return Number(deleted.numAffectedRows ?? 0);
}
