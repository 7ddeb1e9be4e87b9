/** The coding in which hosts give each other images: zeros cost nothing on the line. */
import { holeFrames, plainBytes } from '../../../images/spread/hole-frames.ts';
import { ZEROS } from '../../../images/reader.ts';
import { noise } from '../../support/images.ts';

const MIB = 1_048_576;
const BLOCK = 16_384;

/** Islands that begin and end anywhere. */
const image = Buffer.alloc(6 * MIB);
noise(40_000, 1).copy(image, 5);
noise(3 * BLOCK, 2).copy(image, 2 * MIB - BLOCK);
noise(1, 3).copy(image, 4 * MIB - 1);
noise(20_000, 4).copy(image, image.length - 20_000);

/** The body of an answer with the bytes of the image from a position on, coded in chunks of this length. */
function coded(first: number, chunkBytes: number): Buffer {
  const encode = holeFrames(first);
  const frames: Buffer[] = [];
  for (let at = first; at < image.length; at += chunkBytes)
    frames.push(...encode(image.subarray(at, at + chunkBytes)));
  return Buffer.concat(frames);
}

/** What a reader gets that reads the body in pieces of this length. */
async function decoded(body: Buffer, length: number, pieceBytes = 65_536) {
  const [batches, returned]: [Buffer[][], Buffer[]] = [[], []];
  async function* pieces() {
    for (let at = 0; at < body.length; at += pieceBytes) yield [body.subarray(at, at + pieceBytes)];
  }
  const giveBack = (chunks: readonly Buffer[]): void => void returned.push(...chunks);
  for await (const batch of plainBytes({ batches: pieces(), length, giveBack })) batches.push([...batch]);
  return { batches, returned, bytes: Buffer.concat(batches.flat()) };
}

const sum = (some: readonly Buffer[] = []): number => some.reduce((total, { length }) => total + length, 0);

const frame = (zeros: number, bytes: number, data = Buffer.alloc(bytes, 1)): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(zeros, 0);
  header.writeUInt32BE(bytes, 4);
  return Buffer.concat([header, data]);
};

test.each([
  [0, 262_144, 65_536],
  [0, 7001, 1000],
  [12_345, 262_144, 7],
  [4 * MIB - 1, 100_000, 1],
])('what is coded from %i on in chunks of %i is read in pieces of %i', async (first, chunk, piece) => {
  const { bytes } = await decoded(coded(first, chunk), image.length - first, piece);
  expect(bytes.equals(image.subarray(first))).toBe(true);
});

test('zeros cost next to nothing on the line and no memory, and the memory of headers is given back', async () => {
  const body = coded(0, 262_144);
  expect(body.length).toBeLessThan(0.5 * MIB);
  const { batches, returned } = await decoded(body, image.length);
  const chunks = batches.flat();
  const [holes, data] = [0, 0].map((_, at) =>
    chunks.filter(({ buffer }) => (buffer === ZEROS.buffer) === (at === 0)),
  );
  expect(sum(holes)).toBeGreaterThan(5 * MIB);
  expect(sum(data) + sum(returned)).toBe(body.length);
  // No batch is larger than one of plain bytes.
  for (const batch of batches) expect(sum(batch)).toBeLessThan(1.5 * MIB);
});

test.each<[string, Buffer]>([
  ['more zeros than are left', Buffer.concat([frame(BLOCK, 0), frame(BLOCK, 0)])],
  ['more bytes than are left', frame(BLOCK, BLOCK)],
  ['4 GiB of zeros', frame(0xffff_ffff, 0)],
  ['nothing, and would go on so for ever', frame(0, 0)],
])('a frame that holds %s is refused as wrong', async (_, body) => {
  await expect(decoded(body, 2 * BLOCK - 1)).rejects.toMatchObject({ kind: 'PeerWrong' });
});

test('a frame holds 1 MiB at most', async () => {
  expect((await decoded(frame(MIB, 0), 1e12)).bytes.length).toBe(MIB);
  await expect(decoded(frame(MIB, 1), 1e12)).rejects.toMatchObject({ kind: 'PeerWrong' });
});
