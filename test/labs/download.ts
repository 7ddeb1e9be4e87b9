/** The download lab: a real origin, a real pool in a temporary folder, and download requests with defaults. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DownloadDeps, DownloadRequest } from '../../images/attempt/download.ts';
import { openLedger } from '../../images/pools/ledger.ts';
import { openPool } from '../../images/pools/kinds.ts';
import type { Pool } from '../../images/pools/pool.ts';
import { createRateLimit } from '../../images/fetch/rate-limit.ts';
import { createSources } from '../../images/fetch/sources.ts';
import type { HttpOptions } from '../../images/fetch/protocols/http/http-options.ts';
import type { Mirror } from '../../model/source.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { onLoopback } from '../support/loopback.ts';
import { partsIn, publishedIn } from '../support/pool-folder.ts';

export interface DownloadLab {
  readonly server: ImageServer;
  readonly pool: Pool;
  request(changes: Partial<DownloadRequest> & Pick<DownloadRequest, 'url'>): DownloadRequest;
  deps(changes?: Partial<DownloadDeps> & { readonly http?: HttpOptions }): DownloadDeps;
  /** State folder of a host. */
  stateDir(hostId: string): string;
  /** Names in the pool's root without the marker and the folder of part files. */
  published(): Promise<readonly string[]>;
  /** Names in the folder of part files. */
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

export async function openDownloadLab(): Promise<DownloadLab> {
  const server = await startImageServer();
  const path = await mkdtemp(join(tmpdir(), 'bypass-pool-'));
  const states = await mkdtemp(join(tmpdir(), 'bypass-states-'));
  const pool = await openPool({ path, type: 'Filesystem', scope: 'HOST', name: 'lab', create: true });
  const stateDir = (hostId: string): string => join(states, hostId);
  const openParts = new Set<string>();
  return {
    server,
    pool,
    stateDir,
    request: (changes) => ({
      pool,
      templateId: randomUUID(),
      copyId: randomUUID(),
      attemptId: randomUUID(),
      mirrors: [],
      format: 'RAW',
      size: 0,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...changes,
    }),
    deps: ({ http, hostId = 'host-1', ...changes } = {}) => ({
      sources: createSources({ ...onLoopback, ...http }),
      hostId,
      openParts,
      ledger: openLedger(stateDir(hostId)),
      rateLimit: createRateLimit(),
      ...changes,
    }),
    published: () => publishedIn(path),
    parts: () => partsIn(path),
    async close() {
      await server.close();
      await rm(path, { recursive: true });
      await rm(states, { recursive: true });
    },
  };
}
