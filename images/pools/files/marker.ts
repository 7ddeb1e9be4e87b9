/** The marker file in a pool's root: it says which pool the folder is. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ImageError } from '../../../model/failures.ts';
import { message, readJson, text, uuid } from '../../../model/messages/schema.ts';
import { POOL_MARKER } from '../../../model/names.ts';
import { syncFolder } from '../../../platform/replace-file.ts';
import { errnoOf } from '../../../platform/errno.ts';
import { openRegular } from '../../regular-files.ts';
import type { PoolConfig } from '../pool.ts';

interface Marker {
  readonly v: 1;
  readonly id: string;
  readonly name: string;
  /** Of `PoolType` and `PoolScope`, or such as only a newer release knows. */
  readonly type: string;
  readonly scope: string;
}

export const poolMarker = message<Marker>({
  v: z.literal(1),
  id: uuid(),
  name: text(),
  type: text(),
  scope: text(),
});

const MARKER_LIMIT = 4096;

/**
 * The id of the pool at a path; a new pool is marked.
 * @throws ImageError PoolNotMounted when the pool has no marker and must not get one
 */
export async function identify(config: PoolConfig): Promise<string> {
  try {
    return (await readMarker(config)).id;
  } catch (error) {
    const mayCreate = config.create || config.type === 'Filesystem';
    if (!(error instanceof MarkerAbsent) || !mayCreate) throw error;
    await createMarker(config);
    return (await readMarker(config)).id;
  }
}

/** Creates the marker atomically: it appears complete or not at all, and of two hosts the first one wins. */
async function createMarker({ path, name, type, scope }: PoolConfig): Promise<void> {
  const marker: Marker = { v: 1, id: randomUUID(), name, type, scope };
  const temporary = join(path, `${POOL_MARKER}.${marker.id}`);
  const file = await openRegular(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    await file.writeFile(`${JSON.stringify(marker)}\n`);
    await file.sync();
    await link(temporary, join(path, POOL_MARKER));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    await file.close();
    await unlink(temporary);
  }
  await syncFolder(path);
}

class MarkerAbsent extends ImageError {}

/** @throws ImageError PoolNotMounted when the root is not this pool now */
export async function readMarker(config: PoolConfig, expected?: string): Promise<Marker> {
  const marker = parseMarker(config, await readMarkerText(config));
  const { path, type, scope } = config;
  if (expected !== undefined && marker.id !== expected) {
    throw notMounted(`${path} is another pool (${marker.id}, ${marker.name}) than ${expected}`);
  }
  if (marker.type !== type || marker.scope !== scope) {
    throw notMounted(
      `${path} is configured as ${type} with scope ${scope}, but its marker says ${marker.type} with scope ${marker.scope}`,
    );
  }
  return marker;
}

async function readMarkerText({ path }: PoolConfig): Promise<string> {
  const marker = join(path, POOL_MARKER);
  try {
    const file = await openRegular(marker, constants.O_RDONLY);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MARKER_LIMIT), 0, MARKER_LIMIT, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      throw new MarkerAbsent(
        'PoolNotMounted',
        `${path} has no ${POOL_MARKER} file: the pool is not mounted there`,
      );
    }
    throw notMounted(`${marker} cannot be read (${(error as Error).message})`);
  }
}

function parseMarker({ path }: PoolConfig, json: string): Marker {
  const { value } = readJson(poolMarker, json);
  if (value !== undefined) return value;
  throw notMounted(`${join(path, POOL_MARKER)} is damaged; restore it from another host or a back-up`);
}

const notMounted = (sentence: string): ImageError => new ImageError('PoolNotMounted', sentence);
