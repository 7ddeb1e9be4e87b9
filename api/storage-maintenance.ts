/** What enableStorageMaintenance and cancelStorageMaintenance share. */
import { ADMINS, type Command, defineCommand } from './command.ts';
import { instantJob } from './instant-job.ts';
import { id, required } from './parameters.ts';
import { changeStoragePool } from './pools.ts';
import { answerOne, JOB, render } from './response.ts';
import { STORAGE_POOL } from './responses/host.ts';

export const storageMaintenanceCommand = (definition: {
  readonly name: 'enableStorageMaintenance' | 'cancelStorageMaintenance';
  readonly description: string;
  readonly to: 'Up' | 'Maintenance';
}): Command =>
  defineCommand({
    name: definition.name,
    description: definition.description,
    isAsync: true,
    roles: ADMINS,
    parameters: { id: required(id('the storage pool')) },
    response: JOB,
    async run(context, values) {
      const begins = definition.to === 'Maintenance';
      const pool = await changeStoragePool(
        context,
        values.id,
        { state: definition.to },
        {
          type: begins ? 'MAINT.PREPARE.PS' : 'MAINT.CANCEL.PS',
          what: (name) => `Maintenance of storage pool '${name}' ${begins ? 'began' : 'ended'}`,
        },
      );
      const result = answerOne('storagepool', STORAGE_POOL, [pool], context.caller);
      const jobid = await instantJob(context, { type: 'StoragePool', uuid: pool.uuid }, result);
      return render(JOB, { jobid }, context.caller);
    },
  });
