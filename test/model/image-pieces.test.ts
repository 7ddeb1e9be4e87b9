import { damageOf, pieceLengthOf } from '../../model/image-pieces.ts';
import type { ImagePieces } from '../../model/image-pieces.ts';
import { hostResults } from '../../model/messages/answers.ts';
import { downloadJob } from '../../model/messages/jobs.ts';
import { read } from '../../model/messages/schema.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';

const MIB = 1_048_576;
const HOST = '11111111-1111-4111-8111-111111111111';
const hashOf = (digit: string): string => digit.repeat(64);
const listOf = (digits: string, changes: Partial<ImagePieces> = {}): ImagePieces => ({
  size: digits.length * 4 * MIB - 5,
  length: 4 * MIB,
  hashes: Array.from(digits, hashOf).join(''),
  ...changes,
});

test('a list of hashes is less than 64 kB, whatever the size of the image', () => {
  for (const size of [1, 4 * MIB, 3600 * MIB, 3600 * MIB + 1, 2 ** 40, 16 * 2 ** 40 - 1]) {
    const pieces = Math.ceil(size / pieceLengthOf(size));
    expect(pieces * 64).toBeLessThan(64_000);
    expect(pieceLengthOf(size) % (4 * MIB)).toBe(0);
  }
  expect(pieceLengthOf(3600 * MIB)).toBe(4 * MIB);
  expect(pieceLengthOf(3600 * MIB + 1)).toBe(8 * MIB);
});

test('damage is counted in pieces and bytes, where lists have the same pieces', () => {
  expect(damageOf(listOf('abc'), listOf('abc'))).toEqual({ pieces: 0, of: 3, bytes: 0 });
  expect(damageOf(listOf('abc'), listOf('adc'))).toEqual({ pieces: 1, of: 3, bytes: 4 * MIB });
  expect(damageOf(listOf('abc'), listOf('dbd'))).toEqual({ pieces: 2, of: 3, bytes: 8 * MIB - 5 });
  expect(damageOf(listOf('abc'), listOf('ab'))).toEqual({ pieces: 1, of: 3, bytes: 4 * MIB - 5 });
  expect(damageOf(listOf('abc'), listOf('abcd'))).toEqual({ pieces: 0, of: 3, bytes: 0 });
  expect(damageOf(listOf('ab', { length: 8 * MIB }), listOf('ab'))).toBeUndefined();
});

test('hashes that make no sense are dropped: the rest of the message counts', () => {
  const answer = { v: 1, hostId: HOST, sha256: hashOf('a') };
  const bad = [
    listOf('abc', { hashes: 'abc' }),
    listOf('abc', { size: 5 }),
    listOf('abc', { size: 100 * MIB }),
    listOf('a'.repeat(901)),
    { size: 1 },
    7,
  ];
  for (const pieces of bad) expect(read(hostResults.hashCopy, { ...answer, pieces }).value).toEqual(answer);
  const pieces = listOf('abc');
  expect(read(hostResults.hashCopy, { ...answer, pieces }).value).toEqual({ ...answer, pieces });

  const job = {
    v: 1,
    templateId: HOST,
    poolId: HOST,
    copyId: HOST,
    attemptId: HOST,
    url: 'http://origin/a.img',
    mirrors: [],
    format: 'RAW',
    size: 0,
    priority: 5,
  };
  const healing = { sha256: hashOf('a'), pieces };
  expect(read(downloadJob(PROTOCOLS), { ...job, healing }).value).toEqual({ ...job, healing });
  for (const one of bad)
    expect(read(downloadJob(PROTOCOLS), { ...job, healing: { ...healing, pieces: one } }).value).toEqual(job);
});
