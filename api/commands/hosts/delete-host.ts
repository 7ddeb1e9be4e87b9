import { recordCallerEvent } from '../../server/caller-event.ts';
import { removeHost } from '../../../db/hosts/hosts.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, noSuchEntity } from '../../server/errors.ts';
import { findHost } from './find-host.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';

export const deleteHost = defineCommand({
  name: 'deleteHost',
  description:
    'Forgets a host that is Down, and the pools that only it had, with what is known of their copies.',
  roles: ADMINS,
  parameters: {
    id: required(id('the host')),
    forced: flag('also one that is Up; it comes back as a new one when its worker starts again'),
  },
  response: SUCCESS,
  async run(context, { id: hostId, forced }) {
    const { db, caller } = context;
    const host = await entity(context, 'id', hostId, (uuid) => findHost(db, uuid));
    if (host.up && forced !== true) {
      const advice = 'stop its worker and wait until it is Down, or force it (forced=true)';
      throw new ApiError(apiCodes.inUse, `Host '${host.name}' is Up: ${advice}.`, {
        hostId: host.uuid,
        advice,
      });
    }
    const pools = await removeHost(db, host.uuid);
    if (pools === undefined) throw noSuchEntity(context.command, 'id', hostId);
    const text = `Host '${host.name}' was forgotten${pools.length === 0 ? '' : `, with its pools ${pools.join(', ')}`}`;
    await recordCallerEvent(
      { db, caller },
      {
        type: 'HOST.DELETE',
        description: text,
        resourceType: 'Host',
        resourceUuid: host.uuid,
      },
    );
    return render(SUCCESS, { text }, caller);
  },
});
