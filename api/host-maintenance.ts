/** What prepareHostForMaintenance and cancelHostMaintenance share. Downloads that run go on; new ones go elsewhere. */
import { recordEvent } from '../db/events.ts';
import { setResourceState } from '../db/hosts.ts';
import { ADMINS, type Command, defineCommand } from './command.ts';
import { entity } from './entities.ts';
import { ApiError, errorCode } from './errors.ts';
import { findHost } from './hosts.ts';
import { instantJob } from './instant-job.ts';
import { id, required } from './parameters.ts';
import { answerOne, JOB, render } from './response.ts';
import { HOST } from './responses/host.ts';

export const hostMaintenanceCommand = (definition: {
  readonly name: 'prepareHostForMaintenance' | 'cancelHostMaintenance';
  readonly description: string;
  readonly from: 'Enabled' | 'Maintenance';
  readonly to: 'Enabled' | 'Maintenance';
}): Command =>
  defineCommand({
    name: definition.name,
    description: definition.description,
    isAsync: true,
    roles: ADMINS,
    parameters: { id: required(id('the host')) },
    response: JOB,
    async run(context, { id: hostId }) {
      const { db, caller } = context;
      const { from, to } = definition;
      const host = await entity(context, 'id', hostId, (uuid) => findHost(db, uuid));
      if (host.resource_state !== from && host.resource_state !== to) {
        throw new ApiError(
          errorCode.parameter,
          `Host '${host.name}' is ${host.resource_state}; approve it first, with updateHost allocationstate=Enable.`,
        );
      }
      await db.transaction().execute(async (tx) => {
        await setResourceState(tx, host.uuid, to);
        await recordEvent(tx, {
          type: to === 'Maintenance' ? 'MAINT.PREPARE' : 'MAINT.CANCEL',
          description: `Maintenance of host '${host.name}' ${to === 'Maintenance' ? 'began' : 'ended'}`,
          userUuid: caller.userUuid,
          accountUuid: caller.accountUuid,
          resourceType: 'Host',
          resourceUuid: host.uuid,
        });
      });
      const result = answerOne('host', HOST, [{ ...host, resource_state: to }], caller);
      const jobid = await instantJob(context, { type: 'Host', uuid: host.uuid }, result);
      return render(JOB, { jobid }, caller);
    },
  });
