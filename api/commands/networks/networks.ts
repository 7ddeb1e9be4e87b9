/** What the commands for networks share. */
import { listNetworks } from '../../../db/networks/listing.ts';
import type { Network } from '../../../db/networks/networks.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { HOST_NETWORK_NAME } from '../../../model/vms.ts';
import type { CommandContext } from '../../server/command.ts';
import { networkNamed } from '../../fields/entities.ts';
import { ApiError, badParameter, forbiddenParameter } from '../../server/errors.ts';
import { text } from '../../fields/parameters.ts';
import { type Answer, answerOne } from '../../fields/response.ts';
import { NETWORK } from '../../fields/answers/network.ts';

export const hostNetwork = text(
  'the name by which hosts offer it (BYPASS_NETWORKS); that of the setting vm.network.default of its zone when absent or empty. For administrators',
);

/** @throws ApiError 531 for users, 431 for what is no name of a network of hosts */
export function checkHostNetwork({ caller }: CommandContext, given: string | undefined): void {
  if (given === undefined) return;
  if (caller.role !== 'admin')
    throw forbiddenParameter('hostnetwork', 'is given, which only administrators may; leave it out.');
  if (given !== '' && !HOST_NETWORK_NAME.test(given))
    throw badParameter('hostnetwork', `is '${given}'; give a name as hosts have it, such as lan.`);
}

/**
 * A network that the caller may change.
 * @throws ApiError 431 when there is none, 531 when it belongs to another account
 */
export async function ownNetwork(context: CommandContext, parameter: string, id: string): Promise<Network> {
  const network = await networkNamed(context, parameter, id);
  const { role, accountId } = context.caller;
  if (role === 'admin' || network.account_id === accountId) return network;
  throw new ApiError(
    apiCodes.permission,
    `Network '${network.name}' belongs to another account; only its owner and administrators may change it.`,
  );
}

export async function answerNetwork({ db, caller }: CommandContext, uuid: string): Promise<Answer> {
  const { rows } = await listNetworks(db, { id: uuid }, { limit: 1, offset: 0 });
  return answerOne('network', NETWORK, rows, caller);
}
