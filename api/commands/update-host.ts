import { recordEvent } from '../../db/events.ts';
import { setResourceState } from '../../db/hosts.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { entity } from '../entities.ts';
import { findHost } from '../hosts.ts';
import { choice, id, required } from '../parameters.ts';
import { answerOne } from '../response.ts';
import { HOST } from '../responses/host.ts';

export const updateHost = defineCommand({
  name: 'updateHost',
  description: 'Admits a host (Enable), or sends nothing to it any more (Disable).',
  roles: ADMINS,
  parameters: {
    id: required(id('the host')),
    allocationstate: required(choice('Enable or Disable', ['Enable', 'Disable'])),
  },
  response: HOST,
  async run(context, { id: hostId, allocationstate }) {
    const { db, caller } = context;
    const host = await entity(context, 'id', hostId, (uuid) => findHost(db, uuid));
    const enable = allocationstate === 'Enable';
    await db.transaction().execute(async (tx) => {
      await setResourceState(tx, host.uuid, enable ? 'Enabled' : 'Disabled');
      await recordEvent(tx, {
        type: enable ? 'HOST.ENABLE' : 'HOST.DISABLE',
        description: `Host '${host.name}' was ${enable ? 'enabled' : 'disabled'}`,
        userUuid: caller.userUuid,
        accountUuid: caller.accountUuid,
        resourceType: 'Host',
        resourceUuid: host.uuid,
      });
    });
    const updated = await findHost(db, host.uuid);
    return answerOne('host', HOST, updated === undefined ? [] : [updated], caller);
  },
});
