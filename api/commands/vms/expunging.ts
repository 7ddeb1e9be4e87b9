/** Who may expunge and recover machines. */
import { configurationValues } from '../../../db/zones/configurations.ts';
import { mayUsersExpunge } from '../../../model/configurations.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError } from '../../server/errors.ts';

/** @param what the beginning of CloudStack's sentence @throws ApiError 531 for users, unless a setting allows it to them */
export async function requireMayExpunge({ db, caller }: CommandContext, what: string): Promise<void> {
  if (caller.role === 'admin' || mayUsersExpunge(await configurationValues(db))) return;
  throw new ApiError(apiCodes.permission, `${what}. Or when the allow.user.expunge.recover.vm key is set.`);
}
