import { ACCOUNT_COLUMNS, listAccounts as queryAccounts, listUsers } from '../../../db/accounts/listing.ts';
import { usageOfAccounts } from '../../../db/vms/usage.ts';
import { accountState } from './accounts.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { groupBy } from '../../fields/group-by.ts';
import { checkDomain } from '../../fields/owners.ts';
import {
  MAX_PAGE_SIZE,
  orderParameters,
  pagingParameters,
  readOrder,
  readPage,
} from '../../fields/paging.ts';
import { choice, flag, id, isUuid, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { roleOf, ACCOUNT } from '../../fields/answers/account.ts';

export const listAccounts = defineCommand({
  name: 'listAccounts',
  description: 'Lists accounts with their users. Users see their own.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('the one of this name'),
    state: accountState,
    accounttype: choice('1: those of administrators; 0: those of users', ['0', '1']),
    domainid: id('those of this domain; there is one, ROOT'),
    listall: flag('accepted for other clients: all that the caller may see are listed'),
    ...orderParameters(ACCOUNT_COLUMNS),
    ...pagingParameters,
  },
  objects: 'account',
  response: ACCOUNT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkDomain(context, values.domainid);
    if (values.id !== undefined && !isUuid(values.id)) return {};
    const isAdmin = caller.role === 'admin';
    if (!isAdmin && values.id !== undefined && values.id.toLowerCase() !== caller.accountUuid) return {};
    const { count, rows } = await queryAccounts(
      db,
      {
        id: isAdmin ? values.id : caller.accountUuid,
        name: values.name,
        role: roleOf(values.accounttype),
        state: values.state,
        keyword: values.keyword,
        order: readOrder(values),
      },
      page,
    );
    const users = await listUsers(
      db,
      { accountIds: rows.map((row) => row.id) },
      { limit: MAX_PAGE_SIZE * 20, offset: 0 },
    );
    const byAccount = groupBy(users.rows, ({ account_id }) => account_id);
    const usageOf = await usageOfAccounts(
      db,
      rows.map((row) => row.id),
    );
    const views = rows.map((row) => ({
      ...row,
      users: byAccount.get(row.id) ?? [],
      usage: usageOf(row.id),
    }));
    return answerList('account', ACCOUNT, { count, rows: views }, caller);
  },
});
