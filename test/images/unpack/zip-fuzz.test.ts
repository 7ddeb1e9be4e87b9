/**
 * Random changes to zip archives: the outcome is the image or a refusal, soon and in little memory. BYPASS_TEST_FULL=1
 * makes more of them; BYPASS_FUZZ_SEED starts at a seed.
 */
import { unzip } from '../../../images/unpack/unzip.ts';
import { imageOf, readDirectory } from '../../../images/unpack/zip-directory.ts';
import { ImageError } from '../../../model/failures.ts';
import { fuzz, fuzzTimeout } from '../../support/fuzzing.ts';
import { noise, rawDisk } from '../../support/images.ts';
import { createRandom, mutate, pick } from '../../support/mutations.ts';
import { zipOf } from '../../support/zip.ts';

const disk = rawDisk(4096);
const image = { name: 'disk.img', bytes: disk };
const readme = { name: 'README.txt', bytes: Buffer.from('hello') };
const fork = { name: '__MACOSX/._disk.img', bytes: noise(212), stored: true };

const SEEDS = [
  zipOf([image]),
  zipOf([readme, image, fork], { comment: 'by hand' }),
  zipOf([
    { ...readme, descriptor: 'bare' },
    { ...image, descriptor: 'signed' },
  ]),
  zipOf([{ ...image, zip64: true, descriptor: 'signed' }, fork], { zip64: true }),
];

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function unpacked(bytes: Buffer): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  return orRefused(async () => {
    for await (const chunk of unzip(inPieces(bytes))) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

const listed = (bytes: Buffer) =>
  orRefused(async () => imageOf((await readDirectory(bytes.length, async (at) => bytes.subarray(at))) ?? []));

async function orRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

test.each([...SEEDS.entries()])('archive %i is unpacked as its directory describes it', async (_, bytes) => {
  expect(await listed(bytes)).toMatchObject({ unpacked: disk.length });
  expect((await unpacked(bytes))?.equals(disk)).toBe(true);
});

const changed = (seed: number): Buffer => {
  const random = createRandom(seed);
  const bytes = pick(random, SEEDS);
  const tail = 400;
  return mutate(
    bytes,
    [
      [0, 60],
      [bytes.length - tail, tail],
    ],
    random,
  );
};

test(
  'a mutated archive is unpacked as its directory describes it, or refused',
  async () => {
    await fuzz({ rounds: { short: 150, full: 100_000 } }, changed, async (bytes) => {
      const [given, listing] = [await unpacked(bytes), await listed(bytes)];
      if (given === undefined) return;
      expect(listing).toMatchObject({ unpacked: given.length });
    });
  },
  fuzzTimeout,
);
