/**
 * The hashes of a whole image, computed at a pace that disturbs nobody. Where `dd` and `ionice` can read the file directly, the
 * page cache stays as it is, and everybody else's reads go first; Node itself can do neither, so that elsewhere (tmpfs, some
 * network file systems) the file is read like any other, at the same pace.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pieceLengthOf } from '../../model/image-pieces.ts';
import { confined } from '../confinement.ts';
import { becameShorter, diskError } from '../disk-errors.ts';
import { readChunks } from '../reader.ts';
import { hashedImage } from './hashed-image.ts';
import type { HashedImage } from './hashed-image.ts';
import { PieceDigests } from './piece-digests.ts';

export interface Pace {
  /** 0: no limit. */
  readonly bytesPerSecond: number;
  readonly signal: AbortSignal;
}

/** @throws ImageError when the file cannot be read; the signal's reason when aborted */
export async function hashSlowly(file: FileHandle, pace: Pace): Promise<HashedImage> {
  const { size } = await file.stat();
  return (await hashOf(directChunks(file, pace.signal), size, pace)) ?? (await hashPlainly(file, size, pace));
}

async function hashPlainly(file: FileHandle, size: number, pace: Pace): Promise<HashedImage> {
  try {
    const found = await hashOf(readChunks(file, { first: 0, end: size }), size, pace);
    if (found === undefined) throw becameShorter();
    return found;
  } catch (error) {
    pace.signal.throwIfAborted();
    throw diskError(error);
  }
}

/** @returns undefined when there are fewer bytes or more */
async function hashOf(
  chunks: AsyncIterable<Buffer>,
  size: number,
  { bytesPerSecond, signal }: Pace,
): Promise<HashedImage | undefined> {
  const begun = performance.now();
  const hash = createHash('sha256');
  const pieces = new PieceDigests(pieceLengthOf(size));
  let count = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    hash.update(chunk);
    pieces.update(chunk);
    count += chunk.length;
    const early = bytesPerSecond === 0 ? 0 : begun + (1000 * count) / bytesPerSecond - performance.now();
    if (early > 0) await pause(early, signal);
  }
  return count === size ? hashedImage(size, hash.digest('hex'), pieces.digests()) : undefined;
}

/** @throws the signal's reason when aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

const DIRECT = ['-c', '3', 'dd', 'iflag=direct', 'bs=1M', 'status=none'];

/** Fewer bytes than the file has, or none, where it cannot be read so. */
async function* directChunks(file: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer> {
  // Opened once more, since the programs change how the open file is read.
  const own = await open(`/proc/self/fd/${file.fd}`, constants.O_RDONLY);
  try {
    const child = spawn('ionice', DIRECT, { stdio: [own.fd, 'pipe', 'ignore'], ...confined() });
    const stop = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', stop, { once: true });
    const ended = new Promise<void>((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
    try {
      if (child.stdout !== null) for await (const chunk of child.stdout) yield chunk as Buffer;
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
      await ended;
    }
  } finally {
    await own.close();
  }
}
