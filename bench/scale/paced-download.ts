/** What stands for a download on a simulated host: a sleep that reports its progress, and the answer of an image that is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostActivityDeps } from '../../activities/host/deps.ts';

const SHA256 = 'ab'.repeat(32);

/** @param ms that a download takes */
export const pacedDownload =
  (ms: number): HostActivityDeps['download'] =>
  async ({ url, size, copyId, pool, signal, onProgress }) => {
    const startedAt = new Date().toISOString();
    onProgress({ v: 1, phase: 'downloading', bytes: 0, total: size, rate: 0, source: url });
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
    return {
      size,
      physicalSize: size,
      virtualSize: size,
      fetched: size,
      sha256: SHA256,
      installPath: copyId,
      localPath: `${pool.config.path}/${copyId}`,
      tries: [{ source: url, startedAt, endedAt: new Date().toISOString(), bytes: size }],
    };
  };
