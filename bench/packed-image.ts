/** Creates a packed qcow2 image like a publisher's: programs, texts, compressed data, and empty space. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runShell } from './processes.ts';

export const PACKERS = {
  xz: { suffix: 'xz', program: 'xz', options: '-T0 -2' },
  gz: { suffix: 'gz', program: 'gzip', options: '-4' },
  zst: { suffix: 'zst', program: 'zstd', options: '-q -T0 -3' },
} as const;

export type Packer = keyof typeof PACKERS;

export interface PackedImage {
  readonly path: string;
  readonly sha256: string;
  readonly packedSize: number;
  /** Bytes of the unpacked qcow2 file. */
  readonly imageSize: number;
}

const PIECE = 4 * 1_048_576;
const PAGE = 4096;

/** @param size bytes of data on the disk */
export async function makePackedImage(
  folder: string,
  size: number,
  packer: Packer,
  signal: AbortSignal,
): Promise<PackedImage> {
  const { suffix, program, options } = PACKERS[packer];
  const [disk, image] = [join(folder, 'disk.raw'), join(folder, 'image.qcow2')];
  const path = `${image}.${suffix}`;
  await writeDisk(disk, size, signal);
  const line = `qemu-img convert -q -f raw -O qcow2 "$1" "$2" && rm "$1" &&
    stat -c %s "$2" && ${program} ${options} -c "$2" > "$3" && rm "$2" && sync -d "$3"`;
  const { output } = await runShell(line, [disk, image, path], signal);
  await rm(disk, { force: true });
  const hash = createHash('sha256');
  let packedSize = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    packedSize += chunk.length;
  }
  return { path, sha256: hash.digest('hex'), packedSize, imageSize: Number(output.trim()) };
}

/** As much again of it is empty. */
async function writeDisk(path: string, size: number, signal: AbortSignal): Promise<void> {
  const page = createPages();
  const file = await open(path, 'wx');
  try {
    const piece = Buffer.alloc(PIECE);
    for (let position = 0; position < size; position += PIECE) {
      signal.throwIfAborted();
      for (let at = 0; at < PIECE; at += PAGE) page(piece.subarray(at, at + PAGE));
      await file.write(piece, 0, Math.min(PIECE, size - position), position);
    }
    await file.truncate(2 * size);
  } finally {
    await file.close();
  }
}

const WORDS = 1024;
const MAX_WORD = 16;

/** Fills pages: a fifth with compressed data, a tenth with zeros, the rest with words of which few are frequent. */
function createPages(): (page: Buffer) => void {
  const letters = randomFillSync(Buffer.alloc(WORDS * MAX_WORD));
  const dice = Buffer.alloc(2 * PAGE);
  return (page) => {
    randomFillSync(dice);
    const kind = dice.readUInt8(0);
    if (kind < 51) dice.copy(page, 0, PAGE);
    else if (kind < 77) page.fill(0);
    else write(page, letters, dice);
  };
}

function write(page: Buffer, letters: Buffer, dice: Buffer): void {
  for (let at = 0, thrown = 1; at < page.length; thrown += 3) {
    const [a = 0, b = 0, c = 0] = [dice[thrown], dice[thrown + 1], dice[thrown + 2]];
    // The product of two random numbers is small more often than not.
    const word = Math.floor((a * b * WORDS) / 65_536);
    const length = 3 + (c % (MAX_WORD - 2));
    at += letters.copy(page, at, word * MAX_WORD, word * MAX_WORD + length);
  }
}
