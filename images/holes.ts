/** Splits bytes into data to write and runs of zeros to skip, so that long runs of zeros become holes of the file. */
import type { FileHandle } from 'node:fs/promises';
import { isZero, ZEROS } from './reader.ts';

/** Bytes of a block. Only blocks of the file that are all zeros become holes. */
const BLOCK = 16_384;

/** Bytes of chunks that came over a line: chunks of ZEROS stand for zeros that did not. */
export const sentBytes = (chunks: readonly Buffer[]): number =>
  chunks.reduce((sum, { buffer, length }) => (buffer === ZEROS.buffer ? sum : sum + length), 0);

/** Consecutive bytes of the file that are all in zero blocks, or all in others. */
export interface Stretch {
  readonly first: number;
  readonly end: number;
  readonly zeros: boolean;
  readonly chunks: readonly Buffer[];
}

/** @param position position of the first chunk in the file */
export function stretchesOf(chunks: readonly Buffer[], position: number): readonly Stretch[] {
  const stretches: (Stretch & { end: number; chunks: Buffer[] })[] = [];
  for (const chunk of chunks) {
    const begin = stretches.at(-1)?.end ?? position;
    for (let from = 0; from < chunk.length;) {
      const zeros = isZeroBlock(chunk, from, blockEnd(chunk, from, begin));
      let to = from;
      do to = blockEnd(chunk, to, begin);
      while (to < chunk.length && isZeroBlock(chunk, to, blockEnd(chunk, to, begin)) === zeros);
      const part = to - from === chunk.length ? chunk : chunk.subarray(from, to);
      const last = stretches.at(-1);
      if (last?.zeros === zeros) {
        last.chunks.push(part);
        last.end += part.length;
      } else stretches.push({ first: begin + from, end: begin + to, zeros, chunks: [part] });
      from = to;
    }
  }
  return stretches;
}

/**
 * End of a block within a chunk. Blocks are counted from the beginning of the file, so that chunk limits do not
 * matter.
 */
const blockEnd = (chunk: Buffer, from: number, begin: number): number =>
  Math.min(chunk.length, from + BLOCK - ((begin + from) % BLOCK));

/** Checks first and last byte before all others: few data blocks have zeros at both ends. */
const isZeroBlock = (chunk: Buffer, from: number, to: number): boolean =>
  chunk[from] === 0 && chunk[to - 1] === 0 && isZero(chunk.subarray(from, to));

/** Writes consecutive chunks from a position on. */
export async function writeAll(file: FileHandle, chunks: readonly Buffer[], position: number): Promise<void> {
  const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let { bytesWritten: done } = await file.writev(chunks as Buffer[], position);
  if (done === wanted) return;
  const whole = Buffer.concat(chunks);
  while (done < wanted) {
    done += (await file.write(whole, done, wanted - done, position + done)).bytesWritten;
  }
}
