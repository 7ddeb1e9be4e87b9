import { recordCallerEvent } from '../../server/caller-event.ts';
import { setLimit } from '../../../db/accounts/resource-limits.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { accountNamed } from '../../fields/owners.ts';
import { choice, id, integer, required, text } from '../../fields/parameters.ts';
import { RESOURCE_NUMBERS, RESOURCE_TYPES } from './resource-limits.ts';
import { answerOne } from '../../fields/response.ts';
import { LIMIT } from './list-resource-limits.ts';

/** What the numbers of a limit count, for people. */
const UNITS: Readonly<Record<(typeof RESOURCE_NUMBERS)[keyof typeof RESOURCE_NUMBERS], string>> = {
  user_vm: 'virtual machines',
  volume: 'volumes',
  template: 'templates and ISOs',
  cpu: 'processors',
  memory: 'MB of memory',
  primary_storage: 'GB of primary storage',
};

export const updateResourceLimit = defineCommand({
  name: 'updateResourceLimit',
  description: 'Says how much an account may have of a resource.',
  roles: ADMINS,
  parameters: {
    account: text('the name of the account; that of the caller when absent'),
    domainid: id('the domain of that account; there is one, ROOT'),
    resourcetype: required(
      choice(
        'of what: 0 virtual machines, 2 volumes, 4 templates and ISOs, 8 processors, 9 memory in megabytes, 10 primary storage in gigabytes',
        RESOURCE_TYPES,
      ),
    ),
    max: integer('how many; -1 for any number, which is also what is taken when it is absent', { min: -1 }),
  },
  object: 'resourcelimit',
  response: LIMIT,
  async run(context, { max = -1, resourcetype, ...owner }) {
    const { db, caller } = context;
    const named = await accountNamed(context, owner);
    const {
      id: accountId,
      uuid,
      name,
    } = named ?? {
      id: caller.accountId,
      uuid: caller.accountUuid,
      name: caller.accountName,
    };
    const limit = max < 0 ? null : max;
    const resource = RESOURCE_NUMBERS[resourcetype];
    await setLimit(db, accountId, resource, limit);
    await recordCallerEvent(
      { db, caller },
      {
        type: 'RESOURCE.LIMIT.UPDATE',
        description: `Account ${name} may have ${limit ?? 'any number of'} ${UNITS[resource]}`,
        resourceType: 'Account',
        resourceUuid: uuid,
      },
    );
    return answerOne('resourcelimit', LIMIT, [{ account: name, number: resourcetype, most: limit }], caller);
  },
});
