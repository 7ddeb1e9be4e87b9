/** Pools that are folders: a local file system, a network file system, a shared mount point. */
import type { Part, PartRequest, Pool, PoolConfig, PoolWriter, StoredImage } from '../pool.ts';
import { requireUuid } from '../../uuid.ts';
import { adopt } from './adopt.ts';
import { identify, readMarker } from './marker.ts';
import { listFiles, openFile, removeFile } from './listing.ts';
import { FilesPart } from './part.ts';
import { removeParts } from './part-file.ts';
import { openPublished, publishAgain, storedFacts } from './publish.ts';
import { removeCopy } from './remove.ts';
import { reportPool } from './report.ts';
import { createVolume, openVolume, removeVolume } from './volumes.ts';

/**
 * Opens the pool at a path, and marks a new one. A host that knows the pool already (`knownId`) never marks it again:
 * if the marker is absent then, the pool is not mounted.
 * @throws ImageError PoolNotMounted when the pool has no marker and must not get one
 */
export async function openFilesPool(config: PoolConfig, knownId?: string): Promise<Pool> {
  const id = knownId ?? (await identify(config));
  const pool: Pool = {
    id,
    config,
    async check() {
      await readMarker(config, id);
    },
    report: () => reportPool(pool),
    openPublished: (copyId) => openStored(pool, copyId),
    publishAgain: ({ file }, copyId) => publishAgain(pool, file, copyId),
    openPart: (request, writer) => openPart(pool, request, writer),
    removeParts: (copyId) => removeParts(pool, copyId),
    remove: (copyId) => removeCopy(pool, copyId),
    openVolume: (volumeId) => openVolume(pool, volumeId),
    createVolume: (volumeId, fill) => createVolume(pool, volumeId, fill),
    removeVolume: (volumeId) => removeVolume(pool, volumeId),
    backingName: requireUuid,
    files: () => listFiles(pool),
    openFile: (name) => openFile(pool, name),
    removeFile: (file) => removeFile(pool, file),
  };
  return pool;
}

async function openStored(pool: Pool, copyId: string): Promise<StoredImage | undefined> {
  const file = await openPublished(pool, copyId);
  return file && { file, facts: () => storedFacts(pool, copyId, file) };
}

async function openPart(pool: Pool, request: PartRequest, writer: PoolWriter): Promise<Part> {
  const { damaged, copyId } = request;
  const replaced = damaged && (await openPublished(pool, copyId));
  const provenance = replaced && damaged?.provenance;
  const salvage = provenance && { file: replaced, provenance };
  try {
    const part = await adopt({ ...request, ...writer, pool, salvage });
    return new FilesPart(part, { pool, request, writer, replaced });
  } catch (error) {
    await replaced?.close();
    throw error;
  }
}
