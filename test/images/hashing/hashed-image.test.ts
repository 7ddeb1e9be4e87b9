import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashImage } from '../../../images/hashing/hashed-image.ts';
import { PieceDigests } from '../../../images/hashing/piece-digests.ts';
import { hashSlowly } from '../../../images/hashing/slow-hash.ts';
import { noise, sha256 } from '../../support/images.ts';

const MIB = 1_048_576;
const PIECE = 4 * MIB;
const signal = new AbortController().signal;

async function withFile<T>(content: Buffer, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-pieces-'));
  await writeFile(join(folder, 'image'), content);
  const file = await open(join(folder, 'image'));
  try {
    return await work(file);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
}

const piecesOf = (content: Buffer): string =>
  Array.from({ length: Math.ceil(content.length / PIECE) }, (_, at) =>
    sha256(content.subarray(at * PIECE, (at + 1) * PIECE)),
  ).join('');

test.each([1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 77])(
  'an image of %d bytes has the same hashes of pieces, whether it is read fast or slowly',
  async (bytes) => {
    const content = noise(bytes);
    const expected = {
      sha256: sha256(content),
      pieces: { size: bytes, length: PIECE, hashes: piecesOf(content) },
    };
    await withFile(content, async (file) => {
      expect(await hashImage(file, signal)).toEqual(expected);
      expect(await hashSlowly(file, { bytesPerSecond: 0, signal })).toEqual(expected);
    });
  },
);

test('an empty file has no pieces', () =>
  withFile(Buffer.alloc(0), async (file) => {
    expect(await hashImage(file, signal)).toEqual({ sha256: sha256(Buffer.alloc(0)) });
    expect(await hashSlowly(file, { bytesPerSecond: 0, signal })).toEqual({
      sha256: sha256(Buffer.alloc(0)),
    });
  }));

test('pieces do not depend on how the bytes come', () => {
  const content = noise(1000);
  const whole = new PieceDigests(300);
  whole.update(content);
  const expected = [0, 300, 600, 900].map((at) => sha256(content.subarray(at, at + 300))).join('');
  expect(whole.digests()).toBe(expected);
  const byThree = new PieceDigests(300);
  for (let at = 0; at < 1000; at += 3) byThree.update(content.subarray(at, at + 3));
  expect(byThree.digests()).toBe(expected);
});
