/** Shared by the commands for accounts: finding an account by id or name, and answering it with its users. */
import { type AccountListRow, listAccounts, listUsers } from '../../../db/accounts/listing.ts';
import { usageOfAccounts } from '../../../db/vms/usage.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { accountNamed } from '../../fields/owners.ts';
import { MAX_PAGE_SIZE } from '../../fields/paging.ts';
import { choice, id, text } from '../../fields/parameters.ts';
import type { AccountView } from '../../fields/answers/account.ts';

/** The parameters of commands that change one account. */
export const accountParameters = {
  id: id('the account'),
  account: text('the account by its name, instead of its id'),
  domainid: id('the domain of that account; there is one, ROOT'),
};

/** The filter of lists by state. */
export const accountState = choice('those that are enabled, disabled or locked', [
  'enabled',
  'disabled',
  'locked',
]);

interface AccountValues {
  readonly id: string | undefined;
  readonly account: string | undefined;
  readonly domainid: string | undefined;
}

/** The account that an administrator names by its id or its name. @throws ApiError 431 when neither is given, or none has it */
export async function accountAsked(context: CommandContext, values: AccountValues): Promise<AccountListRow> {
  const named = values.id === undefined ? await accountNamed(context, values) : undefined;
  const uuid = values.id ?? named?.uuid;
  if (uuid === undefined)
    throw badParameter('id', 'or account must be given: the id of an account, or its name.');
  return accountOf(context, uuid);
}

/** @throws ApiError 431 when there is no such account */
export const accountOf = (context: CommandContext, accountId: string): Promise<AccountListRow> =>
  entity(context, 'id', accountId, async (uuid) => {
    const { rows } = await listAccounts(context.db, { id: uuid }, { limit: 1, offset: 0 });
    return rows[0];
  });

/** @throws ApiError 431 for the caller's own account: administrators must not lock themselves out */
export function requireOtherAccount({ caller }: CommandContext, account: AccountListRow): void {
  if (account.uuid === caller.accountUuid)
    throw badParameter('id', 'is your own account; let another administrator do it.');
}

/** The account with its users, as answers show it. */
export async function accountView(context: CommandContext, accountId: string): Promise<AccountView> {
  const account = await accountOf(context, accountId);
  const { rows } = await listUsers(
    context.db,
    { accountIds: [account.id] },
    { limit: MAX_PAGE_SIZE, offset: 0 },
  );
  const usageOf = await usageOfAccounts(context.db, [account.id]);
  return { ...account, users: rows, usage: usageOf(account.id) };
}
