/** What the commands for network offerings share. */
import { listNetworkOfferings } from '../../../db/networks/listing.ts';
import { findNetworkOffering, type NetworkOffering } from '../../../db/networks/network-offerings.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { choice } from '../../fields/parameters.ts';
import { type Answer, answerOne } from '../../fields/response.ts';
import { NETWORK_OFFERING } from '../../fields/answers/network.ts';

export const OFFERING_STATES = ['Enabled', 'Disabled'] as const;
export const AVAILABILITIES = ['Optional', 'Required'] as const;

export const availability = choice('Optional or Required; kept for other clients', AVAILABILITIES);

/** An offering that the caller sees: for users, one that is enabled. */
export const networkOfferingNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<NetworkOffering> =>
  entity(context, parameter, id, async (uuid) => {
    const offering = await findNetworkOffering(context.db, uuid);
    return context.caller.role === 'admin' || offering?.state === 'Enabled' ? offering : undefined;
  });

export async function answerNetworkOffering({ db, caller }: CommandContext, uuid: string): Promise<Answer> {
  const { rows } = await listNetworkOfferings(db, { id: uuid }, { limit: 1, offset: 0 });
  return answerOne('networkoffering', NETWORK_OFFERING, rows, caller);
}
