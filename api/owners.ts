/** Whose things a list shows. */
import { findAccounts, type NamedAccount } from '../db/sharing.ts';
import type { CommandContext } from './command.ts';
import { entity } from './entities.ts';
import { ApiError, badParameter, errorCode } from './errors.ts';
import { flag, id, text } from './parameters.ts';
import { ROOT_DOMAIN } from './responses/domain.ts';

/** The parameters of lists of what accounts have. */
export const ownerParameters = {
  account: text('those of the account of this name'),
  domainid: id('those of this domain; there is one, ROOT'),
  listall: flag('taken for the sake of other clients: all that the caller may see are listed'),
};

interface OwnerValues {
  readonly account: string | undefined;
  readonly domainid: string | undefined;
}

/**
 * The account whose things are asked for; undefined for those of all.
 * @throws ApiError 531 when a user asks for what others have, whether there is such an account or not
 */
export async function ownerOf(context: CommandContext, values: OwnerValues): Promise<number | undefined> {
  const named = await ownerNamed(context, values);
  return context.caller.role === 'admin' ? named : context.caller.accountId;
}

/** The same, where it is left to the command what is shown when no account is named. */
export const ownerNamed = async (context: CommandContext, values: OwnerValues): Promise<number | undefined> =>
  (await accountNamed(context, values))?.id;

/** @throws ApiError 531 when a user names an account that is not his, 431 when there is none */
export async function accountNamed(
  context: CommandContext,
  { account, domainid }: OwnerValues,
): Promise<NamedAccount | undefined> {
  await checkDomain(context, domainid);
  if (account === undefined) return undefined;
  const { caller, db } = context;
  const [found] = await findAccounts(db, 'account_name', [account]);
  if (caller.role !== 'admin' && found?.id !== caller.accountId) {
    throw new ApiError(
      errorCode.permission,
      `Parameter account is '${account}', which is not yours; only administrators name others.`,
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
