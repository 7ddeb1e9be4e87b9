/** Who did what to what, and how it ended. */
import { sql } from 'kysely';
import type { Queryable } from './database.ts';
import type { Row } from './tables.ts';

export interface NewEvent {
  /** As CloudStack names it, such as `TEMPLATE.CREATE`. */
  readonly type: string;
  readonly level?: Row<'event'>['level'];
  readonly state?: Row<'event'>['state'];
  readonly description: string;
  readonly userUuid?: string;
  readonly accountUuid?: string;
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
    | 'DirectDownloadCertificate';
  readonly resourceUuid: string;
  readonly workflowId?: string;
  /** Names this outcome: told again under the same name, it is not written again. */
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
      user_id: idOf('user', event.userUuid),
      account_id: idOf('account', event.accountUuid),
      resource_type: event.resourceType,
      resource_uuid: event.resourceUuid,
      workflow_id: event.workflowId ?? null,
      once: event.once ?? null,
    })
    .onConflict((conflict) => conflict.column('once').doNothing())
    .execute();
}

/** A URL that the policy refused, as an event tells it. @param denial without a host: no host was asked */
export const denialOf = (denial: {
  readonly title: string;
  readonly hostName?: string;
  readonly url: string;
  readonly rule: string;
  readonly reason: string | undefined;
}): string =>
  `${denial.title}: ${denial.hostName === undefined ? 'no host is asked to connect' : `host ${denial.hostName} did not connect`} to ${denial.url} (rule ${denial.rule}): it ${denial.reason ?? 'is refused'}`;

const idOf = (table: 'user' | 'account', uuid: string | undefined) =>
  uuid === undefined ? null : sql<number>`(select id from ${sql.table(table)} where uuid = ${uuid})`;
