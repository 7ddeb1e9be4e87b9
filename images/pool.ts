/** A storage pool as this host sees it: a folder whose marker file says which pool it is. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../model/failures.ts';
import { POOL_MARKER } from '../model/names.ts';
import type { PoolReport } from '../model/payloads.ts';
import type { PoolScope, PoolType } from '../model/states.ts';
import { errnoOf, isUuid, openRegular, syncFolder } from './files.ts';

export interface PoolConfig {
  /** The pool's root on this host; must exist. */
  readonly path: string;
  readonly type: PoolType;
  readonly scope: PoolScope;
  readonly name: string;
  /** Whether this host may mark a shared pool that has no marker yet. Filesystem pools are always marked. */
  readonly create: boolean;
}

export interface Pool {
  readonly id: string;
  readonly config: PoolConfig;
  /** Reads the marker anew. Never throws: what is wrong is in `problem`. */
  report(): Promise<PoolReport>;
  /** @throws ImageError PoolNotMounted when the root is not this pool now */
  check(): Promise<void>;
}

interface Marker {
  readonly v: 1;
  readonly id: string;
  readonly name: string;
  readonly type: PoolType;
  readonly scope: PoolScope;
}

const MARKER_LIMIT = 4096;

/**
 * Finds out which pool lies at a path; marks a new one. A host that knows the pool already (`knownId`) never marks it
 * again: where the marker is absent then, the pool is not mounted.
 * @throws ImageError PoolNotMounted when the pool's id can be neither known nor made
 */
export async function openPool(config: PoolConfig, knownId?: string): Promise<Pool> {
  const id = knownId ?? (await identify(config));
  const check = async (): Promise<void> => {
    await readMarker(config, id);
  };
  return { id, config, check, report: () => report(config, id) };
}

async function identify(config: PoolConfig): Promise<string> {
  try {
    return (await readMarker(config)).id;
  } catch (error) {
    const mayCreate = config.create || config.type === 'Filesystem';
    if (!(error instanceof MarkerAbsent) || !mayCreate) throw error;
    await createMarker(config);
    return (await readMarker(config)).id;
  }
}

/** Under its name the marker is there completely or not at all; of two hosts the first wins. */
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

async function readMarker(config: PoolConfig, expected?: string): Promise<Marker> {
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

function parseMarker({ path }: PoolConfig, text: string): Marker {
  try {
    const marker = JSON.parse(text) as Marker;
    if (marker.v === 1 && isUuid(marker.id)) return marker;
  } catch {
    // Told below, like a marker of the wrong shape.
  }
  throw notMounted(`${join(path, POOL_MARKER)} is damaged; restore it from another host or a back-up`);
}

async function report(config: PoolConfig, id: string): Promise<PoolReport> {
  const { path, name, type, scope } = config;
  const base = { id, name, type, scope, path };
  try {
    await readMarker(config, id);
    const { blocks, bavail, bsize } = await statfs(path);
    return { ...base, capacity: blocks * bsize, free: bavail * bsize, mounted: true };
  } catch (error) {
    return { ...base, capacity: 0, free: 0, mounted: false, problem: (error as Error).message };
  }
}

const notMounted = (message: string): ImageError => new ImageError('PoolNotMounted', message);
