import { recordEvent } from '../../db/events.ts';
import { removeHost } from '../../db/hosts.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { entity } from '../entities.ts';
import { ApiError, errorCode, noSuchEntity } from '../errors.ts';
import { findHost } from '../hosts.ts';
import { flag, id, required } from '../parameters.ts';
import { render, SUCCESS } from '../response.ts';

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
      throw new ApiError(
        errorCode.inUse,
        `Host '${host.name}' is Up: stop its worker and wait until it is Down, or force it (forced=true).`,
      );
    }
    const pools = await removeHost(db, host.uuid);
    if (pools === undefined) throw noSuchEntity(context.command, 'id', hostId);
    const text = `Host '${host.name}' was forgotten${pools.length === 0 ? '' : `, with its pools ${pools.join(', ')}`}`;
    await recordEvent(db, {
      type: 'HOST.DELETE',
      description: text,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'Host',
      resourceUuid: host.uuid,
    });
    return render(SUCCESS, { text }, caller);
  },
});
