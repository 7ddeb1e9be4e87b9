import { listUsers as queryUsers } from '../../../db/accounts/listing.ts';
import { accountState } from './accounts.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id, isUuid, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { roleOf, USER } from '../../fields/answers/account.ts';

export const listUsers = defineCommand({
  name: 'listUsers',
  description: 'Lists users. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    username: text('the one of this name'),
    state: accountState,
    accounttype: choice('1: administrators; 0: users', ['0', '1']),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'user',
  response: USER,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const owner = await ownerOf(context, values);
    if (values.id !== undefined && !isUuid(values.id)) return {};
    const query = {
      id: values.id,
      username: values.username,
      role: roleOf(values.accounttype),
      state: values.state,
      keyword: values.keyword,
      accountIds: owner === undefined ? undefined : [owner],
    };
    return answerList('user', USER, await queryUsers(db, query, page), caller);
  },
});
