/** Sends bytes, no faster than the other end takes them: two chunks are in memory at a time. */
import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { RateLimit } from '../../images/fetch/rate-limit.ts';
import { readAt } from '../../images/reader.ts';
import type { Span } from '../../images/spans.ts';

export interface Sending {
  readonly encode: (chunk: Buffer) => readonly Buffer[];
  readonly rate: RateLimit;
  readonly signal: AbortSignal;
  /** Milliseconds in which the other end must take a chunk. */
  readonly stallMs: number;
  /** Gets the bytes that were sent for a chunk. */
  readonly onSent: (bytes: number) => void;
}

/** The other end took nothing for too long. */
export class Stalled extends Error {}

const CHUNK = 262_144;

/** Chunks of two alternating buffers: each is valid until the next but one is asked for. */
export async function* chunksOf(file: FileHandle, { first, end }: Span): AsyncGenerator<Buffer> {
  let [buffer, other] = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
  for (let position = first; position < end;) {
    const chunk = await readAt(file, position, Math.min(CHUNK, end - position), buffer);
    if (chunk.length === 0) throw new Error('the file became shorter');
    yield chunk;
    position += chunk.length;
    [buffer, other] = [other, buffer];
  }
}

/** @throws Stalled; the signal's reason; an error of the connection */
export async function send(
  response: ServerResponse,
  chunks: AsyncIterable<Buffer>,
  { encode, rate, signal, stallMs, onSent }: Sending,
): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  for await (const chunk of chunks) {
    const pieces = encode(chunk);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    await rate.take(bytes, signal);
    await writing;
    signal.throwIfAborted();
    writing = write(response, pieces, stallMs).then(() => onSent(bytes));
    // It is awaited before the next chunk, and at the end.
    writing.catch(() => undefined);
  }
  await writing;
}

function write(response: ServerResponse, pieces: readonly Buffer[], stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Stalled('the other end takes nothing')), stallMs);
    const done = (error?: Error | null): void => {
      clearTimeout(timer);
      response.off('close', closed);
      if (error == null) resolve();
      else reject(error);
    };
    const closed = (): void => done(new Error('the connection was closed'));
    response.once('close', closed);
    response.cork();
    for (const piece of pieces) response.write(piece, piece === pieces.at(-1) ? done : undefined);
    response.uncork();
  });
}
