import { filesOf } from '../../../db/pools/files.ts';
import { poolNamed } from '../../fields/entities.ts';
import { filled, id, isUuid, list, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { answerCleanupJob } from './cleanup-job.ts';

export const removeStoragePoolFiles = defineCommand({
  name: 'removeStoragePoolFiles',
  since: '0.2.0',
  description:
    'Removes files of a storage pool that Bypass does not know. A file stays if a virtual machine or another disk uses it, if it has changed since it was listed, or if not every host of the pool can say that it does not use it.',
  isAsync: true,
  roles: ADMINS,
  parameters: {
    id: required(id('the storage pool')),
    fileids: required(filled(list('ids of the files, as listStoragePoolFiles answers them'))),
  },
  response: JOB,
  async run(context, values) {
    const pool = await poolNamed(context, 'id', values.id);
    const ids = values.fileids;
    const wrong = ids.find((one) => !isUuid(one));
    if (wrong !== undefined) throw badParameter('fileids', `has '${wrong}', which is no id of a file.`);
    const files = await filesOf(context.db, pool.uuid, ids);
    const absent = ids.find((one) => !files.some(({ uuid }) => uuid === one.toLowerCase()));
    if (absent !== undefined)
      throw badParameter(
        'fileids',
        `has ${absent}, which is no file that the last cleanup found on pool '${pool.name}'.`,
      );
    const names = files.map(({ name }) => name);
    return answerCleanupJob(
      context,
      pool,
      'removeStoragePoolFiles',
      { files: files.map(({ name, inode }) => ({ name, inode })) },
      {
        type: 'STORAGE.POOL.FILE.REMOVE',
        description: `Removal of ${names.length === 1 ? 'a file' : `${names.length} files`} from storage pool '${pool.name}' was asked for: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`,
      },
    );
  },
});
