/** Decodes deflate, the method of gzip and zip, with Node's zlib. */
import { constants, createGunzip, createInflateRaw } from 'node:zlib';
import type { Gunzip, InflateRaw, ZlibOptions } from 'node:zlib';
import { errnoOf } from '../../platform/errno.ts';
import { isZero } from '../reader.ts';
import { ByteReader } from './byte-reader.ts';
import { damaged } from './failures.ts';

const CHUNK = 256 * 1024;

const options = (partial: boolean): ZlibOptions => ({
  chunkSize: CHUNK,
  // Without this, zlib would fail at the missing end and discard output that it has not given out yet.
  ...(partial ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
});

/** Unpacks all members of a gzip file (RFC 1952). Nothing but zeros may follow the last one. */
export async function* gunzip(packed: AsyncIterable<Buffer>, partial = false): AsyncGenerator<Buffer> {
  const reader = new ByteReader(packed);
  yield* through(createGunzip(options(partial)), reader);
  for (let rest = await reader.next(); rest !== undefined; rest = await reader.next()) {
    if (!isZero(rest)) throw damaged('has something behind its last gzip member');
  }
}

/** Unpacks one deflate stream; the bytes after it stay in the reader. */
export const inflateRaw = (reader: ByteReader, partial: boolean): AsyncGenerator<Buffer> =>
  through(createInflateRaw(options(partial)), reader);

async function* through(stream: Gunzip | InflateRaw, reader: ByteReader): AsyncGenerator<Buffer> {
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    for (const event of ['end', 'error', 'close']) {
      stream.once(event, () => {
        ended = true;
        resolve();
      });
    }
  });
  const feed = async (): Promise<void> => {
    let fed = 0;
    for (;;) {
      const chunk = await reader.next();
      if (chunk === undefined) {
        stream.end();
        return;
      }
      fed += chunk.length;
      await Promise.race([new Promise((resolve) => stream.write(chunk, resolve)), gone]);
      // A stream that has ended does not consume the bytes after its end.
      const left = fed - stream.bytesWritten;
      if (!ended && left === 0) continue;
      reader.unread(chunk.subarray(chunk.length - left));
      return;
    }
  };
  const feeding = feed();
  feeding.catch((error: unknown) => stream.destroy(error as Error));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
    await feeding;
  } catch (error) {
    throw zlibFailure(error);
  } finally {
    stream.destroy();
  }
}

function zlibFailure(error: unknown): unknown {
  const code = errnoOf(error);
  if (code === 'Z_BUF_ERROR') return damaged('ends in the middle', error);
  if (code === 'Z_NEED_DICT') return damaged('needs a dictionary', error);
  return code?.startsWith('Z_') === true ? damaged(`is damaged (${(error as Error).message})`, error) : error;
}
