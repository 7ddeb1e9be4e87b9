/** Records events that the caller of a command caused. */
import type { Queryable } from '../../db/database.ts';
import { type NewEvent, recordEvent } from '../../db/events/events.ts';
import type { User } from '../../db/accounts/accounts.ts';

interface Author {
  /** The transaction of the change, if the change has one. */
  readonly db: Queryable;
  readonly caller: User;
}

/** Records an event with the caller as its user, and with the account of the caller unless the event names another. */
export const recordCallerEvent = ({ db, caller }: Author, event: Omit<NewEvent, 'userUuid'>): Promise<void> =>
  recordEvent(db, { accountUuid: caller.accountUuid, ...event, userUuid: caller.userUuid });
