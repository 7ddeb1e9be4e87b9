/** What download tests share: an origin, a pool in a temporary folder, and requests with defaults. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DownloadDeps, DownloadRequest } from '../../images/download.ts';
import { openPool } from '../../images/pool.ts';
import type { Pool } from '../../images/pool.ts';
import { PARTS_FOLDER } from '../../images/part-file.ts';
import { createRateLimit } from '../../images/rate-limit.ts';
import { createSources } from '../../images/sources/index.ts';
import type { HttpOptions } from '../../images/sources/http-options.ts';
import type { Mirror } from '../../model/source.ts';
import { startImageServer } from './image-server.ts';
import type { ImageServer } from './image-server.ts';
import { onLoopback } from './loopback.ts';

export interface DownloadLab {
  readonly server: ImageServer;
  readonly pool: Pool;
  request(changes: Partial<DownloadRequest> & Pick<DownloadRequest, 'url'>): DownloadRequest;
  deps(changes?: Partial<DownloadDeps> & { readonly http?: HttpOptions }): DownloadDeps;
  /** Names in the pool's root without the marker and the folder of part files. */
  published(): Promise<readonly string[]>;
  parts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export const mirror = (url: string, priority = 1, changes: Partial<Mirror> = {}): Mirror => ({
  url,
  priority,
  size: 0,
  ranges: true,
  ...changes,
});

const names = async (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

export async function openDownloadLab(): Promise<DownloadLab> {
  const server = await startImageServer();
  const path = await mkdtemp(join(tmpdir(), 'bypass-pool-'));
  const pool = await openPool({ path, type: 'Filesystem', scope: 'HOST', name: 'lab', create: true });
  const openParts = new Set<string>();
  return {
    server,
    pool,
    request: (changes) => ({
      pool,
      copyId: randomUUID(),
      attemptId: randomUUID(),
      mirrors: [],
      format: 'RAW',
      size: 0,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...changes,
    }),
    deps: ({ http, ...changes } = {}) => ({
      sources: createSources({ ...onLoopback, ...http }),
      hostId: 'host-1',
      openParts,
      rateLimit: createRateLimit(),
      ...changes,
    }),
    published: async () => (await names(path)).filter((name) => !name.startsWith('.bypass-')),
    parts: () => names(join(path, PARTS_FOLDER)),
    async close() {
      await server.close();
      await rm(path, { recursive: true });
    },
  };
}
