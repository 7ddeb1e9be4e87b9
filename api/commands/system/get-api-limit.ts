import type { User } from '../../../db/accounts/accounts.ts';
import type { CallCount } from '../../../db/accounts/call-counts.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { answerOne, integer, long, type Shape, string } from '../../fields/response.ts';

const LIMIT: Shape<User & CallCount & { readonly allowed: number }> = {
  account: string('the name of the account', ({ accountName }) => accountName),
  accountid: string('the id of the account', ({ accountUuid }) => accountUuid),
  apiAllowed: integer('calls in a window of time; 0 for no limit', ({ allowed }) => allowed),
  apiIssued: integer('calls in this window', ({ issued }) => issued),
  expireAfter: long('milliseconds until the next window begins', ({ expireAfter }) => expireAfter),
};

export const getApiLimit = defineCommand({
  name: 'getApiLimit',
  description: 'Tells how many calls the caller may make, and how many were made. All apis count together.',
  roles: EVERYBODY,
  parameters: {},
  object: 'apilimit',
  response: LIMIT,
  async run({ caller, calls }) {
    const state = await calls.state(caller.userUuid);
    return answerOne('apilimit', LIMIT, [{ ...caller, ...state, allowed: calls.allowed }], caller);
  },
});
