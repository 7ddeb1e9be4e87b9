/** enableStorageMaintenance and cancelStorageMaintenance. */
import { ADMINS, type Command, defineCommand } from '../../server/command.ts';
import { instantJob } from '../../server/instant-job.ts';
import { id, required } from '../../fields/parameters.ts';
import { changeStoragePool } from './change-storage-pool.ts';
import { answerOne, JOB, render } from '../../fields/response.ts';
import { STORAGE_POOL } from '../../fields/answers/host.ts';

interface Change {
  readonly name: string;
  readonly description: string;
  readonly to: 'Up' | 'Maintenance';
}

const maintenance = ({ name, description, to }: Change): Command =>
  defineCommand({
    name,
    description,
    isAsync: true,
    roles: ADMINS,
    parameters: { id: required(id('the storage pool')) },
    response: JOB,
    async run(context, values) {
      const begins = to === 'Maintenance';
      const pool = await changeStoragePool(
        context,
        values.id,
        { state: to },
        {
          type: begins ? 'MAINT.PREPARE.PS' : 'MAINT.CANCEL.PS',
          what: (poolName) => `Maintenance of storage pool '${poolName}' ${begins ? 'began' : 'ended'}`,
        },
      );
      const result = answerOne('storagepool', STORAGE_POOL, [pool], context.caller);
      const jobid = await instantJob(context, { type: 'StoragePool', uuid: pool.uuid }, result);
      return render(JOB, { jobid }, context.caller);
    },
  });

export const enableStorageMaintenance = maintenance({
  name: 'enableStorageMaintenance',
  description:
    'Deploys nothing new to a storage pool until its maintenance ends. Running downloads continue.',
  to: 'Maintenance',
});

export const cancelStorageMaintenance = maintenance({
  name: 'cancelStorageMaintenance',
  description: 'Ends the maintenance of a storage pool.',
  to: 'Up',
});
