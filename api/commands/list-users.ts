import { listUsers as queryUsers } from '../../db/listings/accounts.ts';
import { asksForOthers, constant } from '../constants.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { ownerOf, ownerParameters } from '../owners.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { choice, id, isUuid, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { roleOf, USER } from '../responses/account.ts';

export const listUsers = defineCommand({
  name: 'listUsers',
  description: 'Lists users. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    username: text('the one of this name'),
    state: constant('state', 'enabled'),
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
    if (asksForOthers([values.state, 'enabled'])) return {};
    const query = {
      id: values.id,
      username: values.username,
      role: roleOf(values.accounttype),
      keyword: values.keyword,
      accountIds: owner === undefined ? undefined : [owner],
    };
    return answerList('user', USER, await queryUsers(db, query, page), caller);
  },
});
