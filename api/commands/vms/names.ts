/** Names of machines: the host name of the guest, and the name for people. */
import { isNameTaken } from '../../../db/vms/create.ts';
import type { Network } from '../../../db/networks/networks.ts';
import type { Queryable } from '../../../db/database.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';

const HOST_NAME = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** CloudStack's setting `instance.name`, with which names begin that it makes. */
const INSTANCE = 'VM';

/** The host name of a machine that was given none. */
export const nameOfUuid = (uuid: string): string => `${INSTANCE}-${uuid}`;

/** @throws ApiError 431 in CloudStack's words */
export function requireHostName(name: string): void {
  if (HOST_NAME.test(name)) return;
  throw new ApiError(
    apiCodes.parameter,
    "Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), " +
      'must be between 1 and 63 characters long, and can\'t start or end with "-" and can\'t start with digit',
    { parameter: 'name' },
  );
}

/** @throws ApiError 431 in CloudStack's words, when another machine of one of the networks has the name */
export async function requireNameFree(
  db: Queryable,
  name: string,
  networks: readonly Network[],
  exceptVmId?: number,
): Promise<void> {
  for (const network of networks) {
    if (!(await isNameTaken(db, network.id, name, exceptVmId))) continue;
    throw new ApiError(
      apiCodes.parameter,
      `The vm with hostName ${name} already exists in the network domain: ${network.network_domain}; network=${network.name}`,
      { parameter: 'name' },
    );
  }
}
