/** What the commands for instance groups share. */
import { type InstanceGroupListRow, listInstanceGroups } from '../../../db/keys/listing.ts';
import { AlreadyExists } from '../../../db/errors.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { ApiError } from '../../server/errors.ts';

/** A group of the caller's account, or for administrators of any. @throws ApiError 431 */
export const instanceGroupNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<InstanceGroupListRow> =>
  entity(context, parameter, id, async (uuid) => {
    const { role, accountId } = context.caller;
    const query = { id: uuid, accountId: role === 'admin' ? undefined : accountId };
    return (await listInstanceGroups(context.db, query, { limit: 1, offset: 0 })).rows[0];
  });

/** Makes of `AlreadyExists` a refusal that begins with these words of CloudStack's. */
export const nameTaken =
  (what: string, name: string, accountId: string) =>
  (error: unknown): never => {
    if (!(error instanceof AlreadyExists)) throw error;
    throw new ApiError(
      apiCodes.parameter,
      `Unable to ${what}, a group with name ${name} already exists for account ${accountId}`,
      { parameter: 'name' },
    );
  };
