import { listPoolFiles } from '../../../db/pools/files.ts';
import { findPool } from '../../../db/pools/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { POOL_FILE_KINDS, STORAGE_POOL_FILE } from '../../fields/answers/pool-file.ts';
import { checkEntity } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';

const FINDINGS = { Leftover: 'leftover', Unknown: 'unknown' } as const;

export const listStoragePoolFiles = defineCommand({
  name: 'listStoragePoolFiles',
  since: '0.2.0',
  description:
    'Lists the files of storage pools that Bypass does not need, as the last cleanup found them: those that it does not know, and leftovers that could not be removed.',
  roles: ADMINS,
  parameters: {
    storageid: id('those of this pool'),
    zoneid: id('those of this zone'),
    kind: choice('those of this kind', POOL_FILE_KINDS),
    ...pagingParameters,
  },
  objects: 'storagepoolfile',
  response: STORAGE_POOL_FILE,
  async run(context, values) {
    const { db, caller } = context;
    await checkEntity(context, 'storageid', values.storageid, (uuid) => findPool(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const query = {
      poolId: values.storageid,
      zoneId: values.zoneid,
      keyword: values.keyword,
      finding: values.kind && FINDINGS[values.kind],
    };
    return answerList(
      'storagepoolfile',
      STORAGE_POOL_FILE,
      await listPoolFiles(db, query, readPage(values)),
      caller,
    );
  },
});
