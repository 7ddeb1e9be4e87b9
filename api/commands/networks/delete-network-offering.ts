import { removeNetworkOffering } from '../../../db/networks/network-offerings.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { networkOfferingNamed } from './network-offerings.ts';

export const deleteNetworkOffering = defineCommand({
  name: 'deleteNetworkOffering',
  since: '0.2.0',
  description: 'Removes a network offering that no network has.',
  roles: ADMINS,
  parameters: { id: required(id('the network offering')) },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller } = context;
    const offering = await networkOfferingNamed(context, 'id', values.id);
    if (offering.is_default)
      throw badParameter('id', `is '${offering.name}', which Bypass came with; disable it instead.`);
    const text = `Network offering '${offering.name}' was removed`;
    await db.transaction().execute(async (tx) => {
      const networks = await removeNetworkOffering(tx, offering.id);
      if (networks > 0)
        throw new ApiError(
          apiCodes.inUse,
          `Network offering '${offering.name}' has ${networks} networks; delete them first, or disable the offering.`,
        );
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'NETWORK.OFFERING.DELETE',
          description: text,
          resourceType: 'NetworkOffering',
          resourceUuid: offering.uuid,
        },
      );
    });
    return render(SUCCESS, { text }, caller);
  },
});
