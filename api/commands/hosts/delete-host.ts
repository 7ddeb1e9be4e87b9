import { recordCallerEvent } from '../../server/caller-event.ts';
import { removeHost, type RemovedHost } from '../../../db/hosts/hosts.ts';
import { machinesOn } from '../../../db/hosts/machines.ts';
import { counted } from '../../../model/grammar.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { begin } from '../../server/temporal-deadline.ts';
import { entity } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, noSuchEntity } from '../../server/errors.ts';
import { findHost } from './find-host.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';

export const deleteHost = defineCommand({
  name: 'deleteHost',
  description:
    'Forgets a host that is Down, and the pools that only it had, with what is known of their copies. Its virtual machines count as stopped, so that other hosts of their pools may start them: make sure that the host is off.',
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
      const { length } = await machinesOn(db, host.uuid);
      const machines = length === 0 ? '' : `, and ${counted(length, 'virtual machine')} ${run(length)} there`;
      const advice = 'stop its worker and wait until it is Down, or force it (forced=true)';
      throw new ApiError(apiCodes.inUse, `Host '${host.name}' is Up${machines}: ${advice}.`, {
        hostId: host.uuid,
        advice,
      });
    }
    const removed = await removeHost(db, host.uuid);
    if (removed === undefined) throw noSuchEntity(context.command, 'id', hostId);
    const text = `Host '${host.name}' was forgotten${whatWent(removed)}`;
    await recordCallerEvent(
      { db, caller },
      {
        type: 'HOST.DELETE',
        description: text,
        resourceType: 'Host',
        resourceUuid: host.uuid,
      },
    );
    // The other hosts let it in no more.
    if (host.peer !== null) await begin(context, context.orchestration.requestPeers(host.zone_uuid));
    return render(SUCCESS, { text }, caller);
  },
});

function whatWent({ pools, machines }: RemovedHost): string {
  const withPools = pools.length === 0 ? '' : `, with its pools ${pools.join(', ')}`;
  if (machines === 0) return withPools;
  const count = machines === 1 ? 'counts' : 'count';
  return `${withPools}; ${counted(machines, 'virtual machine')} that ran there ${count} as stopped`;
}

const run = (machines: number): string => (machines === 1 ? 'runs' : 'run');
