import { findAccounts } from '../../db/sharing.ts';
import { recordEvent } from '../../db/events.ts';
import { setTemplateLimit } from '../../db/resource-limits.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { badParameter } from '../errors.ts';
import { choice, integer, required, text } from '../parameters.ts';
import { TEMPLATE_RESOURCE } from '../resource-limits.ts';
import { answerOne } from '../response.ts';
import { LIMIT } from './list-resource-limits.ts';

export const updateResourceLimit = defineCommand({
  name: 'updateResourceLimit',
  description: 'Says how many templates and ISOs an account may have.',
  roles: ADMINS,
  parameters: {
    account: required(text('the name of the account')),
    domainid: text('taken for the sake of other clients; there is one domain'),
    resourcetype: required(choice('4, which is templates: there is no other limit', [TEMPLATE_RESOURCE])),
    max: integer('how many; -1 for any number, which is also what is taken when it is absent', { min: -1 }),
  },
  object: 'resourcelimit',
  response: LIMIT,
  async run({ db, caller }, { account, max = -1 }) {
    const [found] = await findAccounts(db, 'account_name', [account]);
    if (found === undefined) throw badParameter('account', `names no account: ${account}.`);
    const limit = max < 0 ? null : max;
    await setTemplateLimit(db, found.id, limit);
    await recordEvent(db, {
      type: 'RESOURCE.LIMIT.UPDATE',
      description: `Account ${account} may have ${limit ?? 'any number of'} templates and ISOs`,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'Account',
      resourceUuid: found.uuid,
    });
    return answerOne('resourcelimit', LIMIT, [{ account_name: account, template_limit: limit }], caller);
  },
});
