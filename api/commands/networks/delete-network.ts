import { removeNetwork } from '../../../db/networks/networks.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ApiError } from '../../server/errors.ts';
import { instantJob } from '../../server/instant-job.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { ownNetwork } from './networks.ts';

const MAX_NAMES = 10;

export const deleteNetwork = defineCommand({
  name: 'deleteNetwork',
  since: '0.2.0',
  description: 'Removes a network without virtual machines.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the network')),
    forced: flag('accepted for other clients; machines keep a network in any case'),
  },
  response: JOB,
  async run(context, values) {
    const { db, caller } = context;
    const network = await ownNetwork(context, 'id', values.id);
    await db.transaction().execute(async (tx) => {
      const machines = await removeNetwork(tx, network.id);
      if (machines.length > 0) throw inUse(network.name, machines);
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'NETWORK.DELETE',
          description: `Network '${network.name}' was removed`,
          resourceType: 'Network',
          resourceUuid: network.uuid,
        },
      );
    });
    const jobid = await instantJob(context, { type: 'Network', uuid: network.uuid }, { success: true });
    return render(JOB, { jobid }, caller);
  },
});

function inUse(name: string, machines: readonly string[]): ApiError {
  const more = machines.length > MAX_NAMES ? ` and ${machines.length - MAX_NAMES} more` : '';
  return new ApiError(
    apiCodes.inUse,
    `Network '${name}' has virtual machines that are not expunged: ${machines.slice(0, MAX_NAMES).join(', ')}${more}.`,
  );
}
