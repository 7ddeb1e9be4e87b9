/** The filter of lists by the account that owns the entries. */
import { findAccounts, type NamedAccount } from '../../db/templates/sharing.ts';
import type { CommandContext } from '../server/command.ts';
import { entity } from './entities.ts';
import { badParameter, forbiddenParameter } from '../server/errors.ts';
import { flag, id, text } from './parameters.ts';
import { ROOT_DOMAIN } from './answers/domain.ts';

/** The parameters of lists whose entries belong to accounts. */
export const ownerParameters = {
  account: text('those of the account of this name'),
  domainid: id('those of this domain; there is one, ROOT'),
  listall: flag('accepted for other clients: all that the caller may see are listed'),
};

interface OwnerValues {
  readonly account: string | undefined;
  readonly domainid: string | undefined;
}

/**
 * The id of the account whose entries are listed; undefined lists those of all accounts.
 * @throws ApiError 531 when a user names another account, whether that account exists or not
 */
export async function ownerOf(context: CommandContext, values: OwnerValues): Promise<number | undefined> {
  const named = await ownerNamed(context, values);
  return context.caller.role === 'admin' ? named : context.caller.accountId;
}

/** The parameters of lists whose entries have names that are unique in their account only, such as those of SSH key pairs. */
export const ownListParameters = {
  ...ownerParameters,
  listall: flag("true: those of all accounts, for administrators; their own account's when absent"),
};

/** The account whose entries are listed; undefined: all. @throws as `ownerOf` */
export async function listedOwner(
  context: CommandContext,
  values: OwnerValues & { readonly listall: boolean | undefined; readonly id: string | undefined },
): Promise<number | undefined> {
  const owner = await ownerOf(context, values);
  if (owner !== undefined || values.listall === true || values.id !== undefined) return owner;
  return context.caller.accountId;
}

/** The account that owns what a command makes or removes: the named one, or that of the caller. @throws as `accountNamed` */
export async function ownerFor(context: CommandContext, values: OwnerValues): Promise<NamedAccount> {
  const { accountId, accountUuid, accountName } = context.caller;
  return (await accountNamed(context, values)) ?? { id: accountId, uuid: accountUuid, name: accountName };
}

/** Parameters of commands that make or remove what an account has. */
export const ownedByParameters = {
  account: text('the account that owns it, by its name; that of the caller when absent'),
  domainid: id('the domain of that account; there is one, ROOT'),
};

/** The id of the named account; undefined when the call names none, whatever the caller's role. @throws as `ownerOf` */
export const ownerNamed = async (context: CommandContext, values: OwnerValues): Promise<number | undefined> =>
  (await accountNamed(context, values))?.id;

/** @throws ApiError 531 when a user names another account, 431 when an administrator names one that does not exist */
export async function accountNamed(
  context: CommandContext,
  { account, domainid }: OwnerValues,
): Promise<NamedAccount | undefined> {
  await checkDomain(context, domainid);
  if (account === undefined) return undefined;
  const { caller, db } = context;
  const [found] = await findAccounts(db, 'account_name', [account]);
  if (caller.role !== 'admin' && found?.id !== caller.accountId) {
    throw forbiddenParameter(
      'account',
      `is '${account}', which is not yours; only administrators name others.`,
    );
  }
  if (found === undefined)
    throw badParameter('account', `is '${account}', and there is no such account; give the name of one.`);
  return found;
}

export async function checkDomain(context: CommandContext, domainid: string | undefined): Promise<void> {
  if (domainid === undefined) return;
  await entity(context, 'domainid', domainid, (uuid) =>
    Promise.resolve(uuid === ROOT_DOMAIN.id ? ROOT_DOMAIN : undefined),
  );
}
