import { poolNamed } from '../../fields/entities.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { answerCleanupJob } from './cleanup-job.ts';

export const cleanupStoragePool = defineCommand({
  name: 'cleanupStoragePool',
  since: '0.2.0',
  description:
    'Compares the files of a storage pool with what Bypass knows, and removes what ended downloads left; also copies that nothing uses, where storage.template.cleanup.enabled is true. Files that Bypass does not know stay.',
  isAsync: true,
  roles: ADMINS,
  parameters: {
    id: required(id('the storage pool')),
    dryrun: flag('true: shows what would go, and removes nothing'),
  },
  response: JOB,
  async run(context, values) {
    const pool = await poolNamed(context, 'id', values.id);
    const dryRun = values.dryrun === true;
    return answerCleanupJob(
      context,
      pool,
      'cleanupStoragePool',
      { dryRun },
      {
        type: 'STORAGE.POOL.CLEANUP',
        description: `Storage pool '${pool.name}' is compared with what is known${dryRun ? ', and nothing is removed' : ''}`,
      },
    );
  },
});
