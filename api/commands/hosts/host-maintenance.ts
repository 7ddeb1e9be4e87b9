/**
 * prepareHostForMaintenance and cancelHostMaintenance. Maintenance lets downloads and
 * virtual machines that run go on, and sends new ones to other hosts. Downloads can be handed over to other hosts as well.
 */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { setResourceState } from '../../../db/hosts/hosts.ts';
import { downloadsOf } from '../../../db/copies/listing.ts';
import { machinesOn } from '../../../db/hosts/machines.ts';
import { ADMINS, type Command, defineCommand } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { findHost } from './find-host.ts';
import { instantJob } from '../../server/instant-job.ts';
import { inTime } from '../../server/temporal-deadline.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { answerOne, JOB, render } from '../../fields/response.ts';
import { MAINTAINED_HOST } from '../../fields/answers/host.ts';

interface Change {
  readonly name: string;
  readonly description: string;
  readonly from: 'Enabled' | 'Maintenance';
  readonly to: 'Enabled' | 'Maintenance';
}

const HANDOVER = {
  handover: flag(
    'other hosts go on at once with what this one downloads, from the bytes on their pools; else it ends here',
  ),
};

const maintenance = ({ name, description, from, to }: Change): Command =>
  defineCommand({
    name,
    description,
    isAsync: true,
    roles: ADMINS,
    parameters: { id: required(id('the host')), ...(to === 'Maintenance' ? HANDOVER : {}) },
    response: JOB,
    async run(
      context,
      { id: hostId, handover }: { readonly id: string; readonly handover?: boolean | undefined },
    ) {
      const { db, caller, orchestration } = context;
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
      if (handover === true)
        await inTime(context, orchestration.handOver(await downloadsOf(db, host.uuid), host.uuid));
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
    'Sends a host no new downloads and virtual machines until its maintenance ends. Those that run go on, unless the downloads are handed over, and the result lists the machines.',
  from: 'Enabled',
  to: 'Maintenance',
});

export const cancelHostMaintenance = maintenance({
  name: 'cancelHostMaintenance',
  description: 'Ends the maintenance of a host: it gets new downloads again.',
  from: 'Maintenance',
  to: 'Enabled',
});
