/**
 * prepareHostForMaintenance and cancelHostMaintenance. Maintenance lets downloads and
 * virtual machines that run go on, and sends new ones to other hosts.
 */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { setResourceState } from '../../../db/hosts/hosts.ts';
import { machinesOn } from '../../../db/hosts/machines.ts';
import { ADMINS, type Command, defineCommand } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { findHost } from './find-host.ts';
import { instantJob } from '../../server/instant-job.ts';
import { id, required } from '../../fields/parameters.ts';
import { answerOne, JOB, render } from '../../fields/response.ts';
import { MAINTAINED_HOST } from '../../fields/answers/host.ts';

interface Change {
  readonly name: string;
  readonly description: string;
  readonly from: 'Enabled' | 'Maintenance';
  readonly to: 'Enabled' | 'Maintenance';
}

const maintenance = ({ name, description, from, to }: Change): Command =>
  defineCommand({
    name,
    description,
    isAsync: true,
    roles: ADMINS,
    parameters: { id: required(id('the host')) },
    response: JOB,
    async run(context, { id: hostId }) {
      const { db, caller } = context;
      const host = await entity(context, 'id', hostId, (uuid) => findHost(db, uuid));
      if (host.resource_state !== from && host.resource_state !== to) {
        const advice = 'approve it first, with updateHost allocationstate=Enable';
        throw new ApiError(apiCodes.parameter, `Host '${host.name}' is ${host.resource_state}; ${advice}.`, {
          parameter: 'id',
          hostId: host.uuid,
          advice,
        });
      }
      await db.transaction().execute(async (tx) => {
        await setResourceState(tx, host.uuid, to);
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: to === 'Maintenance' ? 'MAINT.PREPARE' : 'MAINT.CANCEL',
            description: `Maintenance of host '${host.name}' ${to === 'Maintenance' ? 'began' : 'ended'}`,
            resourceType: 'Host',
            resourceUuid: host.uuid,
          },
        );
      });
      const machines = await machinesOn(db, host.uuid);
      const changed = { ...host, resource_state: to, machines };
      const result = answerOne('host', MAINTAINED_HOST, [changed], caller);
      const jobid = await instantJob(context, { type: 'Host', uuid: host.uuid }, result);
      return render(JOB, { jobid }, caller);
    },
  });

export const prepareHostForMaintenance = maintenance({
  name: 'prepareHostForMaintenance',
  description:
    'Sends a host no new downloads and virtual machines until its maintenance ends. Those that run go on, and the result lists the machines.',
  from: 'Enabled',
  to: 'Maintenance',
});

export const cancelHostMaintenance = maintenance({
  name: 'cancelHostMaintenance',
  description: 'Ends the maintenance of a host: it gets new downloads again.',
  from: 'Maintenance',
  to: 'Enabled',
});
