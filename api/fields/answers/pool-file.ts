/** Files of storage pools as the API shows them. */
import type { PoolFileRow } from '../../../db/pools/files.ts';
import { POOL_FILE_TYPES } from '../../../model/pool-files.ts';
import { date, type FieldDocs, long, oneOf, type Shape, string } from '../response.ts';

export const POOL_FILE_KINDS = ['Leftover', 'Unknown'] as const;

export const STORAGE_POOL_FILE: Shape<PoolFileRow> = {
  id: string('the id of this very file: another one of its name has another', ({ uuid }) => uuid),
  name: string("the name, relative to the pool's folder", ({ name }) => name),
  kind: oneOf(
    POOL_FILE_KINDS,
    'Leftover: an ended download left it, and the next cleanup removes it. Unknown: no record says what it is, and it stays until it is removed by its id',
    ({ finding }) => (finding === 'leftover' ? 'Leftover' : 'Unknown'),
  ),
  type: oneOf(
    POOL_FILE_TYPES,
    'file, folder, link or other; only files can be removed',
    (row) => row.file_type,
  ),
  size: long('bytes', ({ size }) => size),
  physicalsize: long('bytes that it takes on disk', (row) => row.physical_size),
  storageid: string('the id of the pool', (row) => row.pool_uuid),
  storagename: string('the name of the pool', (row) => row.pool_name),
  zoneid: string('the id of its zone', (row) => row.zone_uuid),
  zonename: string('the name of its zone', (row) => row.zone_name),
  modified: date('when it was written last', ({ modified }) => modified),
  found: date('when a cleanup found it first', ({ found }) => found),
};

/** A file or a copy in the result of the job of a cleanup. */
export const CLEANED: FieldDocs = {
  name: { type: 'string', description: 'the name of the file, or of the template or ISO' },
  kind: {
    type: 'string',
    description: 'Copy, Leftover or Unknown; absent for files that were to be removed by their ids',
    words: ['Copy', 'Leftover', 'Unknown'],
    optional: true,
  },
  action: {
    type: 'string',
    description: 'what becomes of it',
    words: ['Removed', 'BeingRemoved', 'WouldBeRemoved', 'Kept'],
  },
  reason: { type: 'string', description: 'why it is kept', optional: true },
  size: { type: 'long', description: 'bytes', optional: true },
  templateid: { type: 'string', description: 'of a copy: the id of the template or ISO', optional: true },
  idlesince: {
    type: 'string',
    description: 'of a copy: since when nothing uses it, as far as cleanups found',
    optional: true,
  },
  storageid: { type: 'string', description: 'the id of the pool' },
  storagename: { type: 'string', description: 'the name of the pool' },
};
