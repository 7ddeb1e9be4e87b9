import { listUsers as queryUsers } from '../../db/listings/accounts.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { flag, id, isUuid, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { USER } from '../responses/account.ts';

export const listUsers = defineCommand({
  name: 'listUsers',
  description: 'Lists users. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    username: text('the one of this name'),
    account: text('those of the account of this name'),
    listall: flag('taken for the sake of other clients: all that the caller may see are listed'),
    ...pagingParameters,
  },
  objects: 'user',
  response: USER,
  async run({ db, caller }, values) {
    const page = readPage(values);
    if (values.id !== undefined && !isUuid(values.id)) return {};
    const query = {
      ...values,
      ...(caller.role === 'admin' ? {} : { accountId: caller.accountUuid }),
    };
    return answerList('user', USER, await queryUsers(db, query, page), caller);
  },
});
