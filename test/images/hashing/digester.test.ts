import { randomUUID } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Digester } from '../../../images/hashing/digester.ts';
import type { DigesterOptions } from '../../../images/hashing/digester.ts';
import { CHECKSUM_ALGORITHMS, formatChecksum, parseChecksum } from '../../../model/checksum.ts';
import type { Checksum, ChecksumAlgorithm } from '../../../model/checksum.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const text = Buffer.from('The quick brown fox jumps over the lazy dog');
const known = {
  MD5: '9e107d9d372bb6826bd81d3542a419d6',
  'SHA-1': '2fd4e1c67a2d28fced849ee1bb76e7391b93eb12',
  'SHA-256': 'd7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592',
} as const;

let folder: string;
let file: FileHandle;
let aborter: AbortController;
let digester: Digester | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-digest-'));
  file = await open(join(folder, randomUUID()), 'wx+');
  aborter = new AbortController();
});
afterEach(async () => {
  await digester?.close();
  await file.close();
  await rm(folder, { recursive: true });
});

/** With a thread, however small the file is. */
const follow = (changes: Partial<DigesterOptions> = {}): Digester =>
  (digester = new Digester({
    file,
    algorithms: ['SHA-256'],
    signal: aborter.signal,
    threadAbove: 0,
    ...changes,
  }));

/** As a download does it. */
async function digestOf(bytes: Buffer, algorithm: ChecksumAlgorithm): Promise<Checksum | undefined> {
  await file.write(bytes, 0, bytes.length, 0);
  const following = follow({ algorithms: [algorithm] });
  following.grown(bytes.length);
  return (await following.finish()).get(algorithm);
}

async function matches(given: string, bytes: Buffer): Promise<boolean> {
  const wanted = parseChecksum(given);
  return (await digestOf(bytes, wanted.algorithm))?.hex === wanted.hex;
}

const hexOf = async (following: Digester): Promise<string | undefined> =>
  (await following.finish()).get('SHA-256')?.hex;

describe('DigestHelperTest: check', () => {
  test.each([
    ['SHA-256 (26)', `{SHA-256}${known['SHA-256']}`],
    ['SHA-1 (27)', `{SHA-1}${known['SHA-1']}`],
    ['MD5 (28)', `{MD5}${known.MD5}`],
    ['MD5 (28), which is also what no prefix means', known.MD5],
    ['upper-case hex is the same checksum', `{SHA-256}${known['SHA-256'].toUpperCase()}`],
  ])('%s', async (_name, given) => {
    expect(await matches(given, text)).toBe(true);
  });

  test('other bytes do not match the checksum', async () => {
    expect(await matches(`{SHA-256}${known['SHA-256']}`, text.subarray(1))).toBe(false);
  });
});

describe('DigestHelperTest: digest', () => {
  test.each([
    ['SHA-256 (29)', text, `{SHA-256}${known['SHA-256']}`],
    ['SHA-1 (30)', text, `{SHA-1}${known['SHA-1']}`],
    ['MD5 (31)', text, `{MD5}${known.MD5}`],
    ['zero-padded MD5 (32)', Buffer.from('jk8ssl'), '{MD5}0000000018e6137ac2caab16074784a6'],
    [
      'zero-padded SHA-256 (33)',
      Buffer.from('bypass 5541'),
      '{SHA-256}000095f081b875c29e464a7e6dbfda5c80d54c8f30c8879d663604c587981d6a',
    ],
  ])('%s is written {ALG}hex', async (_name, bytes, written) => {
    const found = await digestOf(bytes, parseChecksum(written).algorithm);
    expect(found && formatChecksum(found)).toBe(written);
  });

  test('several digests of the same bytes are computed in one pass, each algorithm once', async () => {
    await file.write(text);
    const following = follow({ algorithms: [...CHECKSUM_ALGORITHMS, 'SHA-256'] });
    following.grown(text.length);
    const found = await following.finish();
    expect(found.size).toBe(6);
    expect(found.get('SHA-1')).toEqual({ algorithm: 'SHA-1', hex: known['SHA-1'] });
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const { hex = '' } = found.get(algorithm) ?? {};
      expect(parseChecksum(`{${algorithm}}${hex}`)).toEqual({ algorithm, hex });
    }
  });
});

describe('a digester that follows a growing file', () => {
  const bytes = rawDisk(5 * MIB + 17);

  test('reads no further than allowed, and the whole file in the end', async () => {
    const following = follow();
    const seen: number[] = [];
    following.onRead = (count) => void seen.push(count);
    for (let at = 0; at < bytes.length; at += MIB) {
      const length = Math.min(MIB, bytes.length - at);
      await file.write(bytes, at, length, at);
      following.grown(at + length);
      await until('what is written is read', () => following.position === at + length);
    }
    expect(await hexOf(following)).toBe(sha256(bytes));
    expect(seen.reduce((sum, count) => sum + count, 0)).toBe(bytes.length);
    expect(await hexOf(following)).toBe(sha256(bytes));
  });

  test('gives the digest of an empty file', async () => {
    expect(await hexOf(follow())).toBe(sha256(Buffer.alloc(0)));
  });

  test('forgets all bytes at a restart', async () => {
    await file.write(bytes);
    const following = follow();
    following.grown(bytes.length);
    await following.restarting();
    expect(following.position).toBe(0);
    await file.truncate(0);
    await file.write(text, 0, text.length, 0);
    following.grown(text.length);
    expect(await hexOf(following)).toBe(sha256(text));
  });

  test('makes the writer wait, but not for bytes that the file had before', async () => {
    await file.write(bytes);
    const following = follow({ maxBehind: MIB });
    following.grown(2 * MIB);
    await following.ready();
    following.grown(bytes.length);
    await following.ready();
    expect(following.position).toBeGreaterThanOrEqual(bytes.length - 3 * MIB);
  });
});

describe('a digester of a small file', () => {
  const threadAbove = 4 * MIB;

  test('starts no thread, and hashes the file when it is complete, also after a restart', async () => {
    const bytes = rawDisk(MIB + 17);
    await file.write(bytes);
    const following = follow({ threadAbove });
    const seen: number[] = [];
    following.onRead = (count) => void seen.push(count);
    following.grown(MIB);
    await following.restarting();
    following.grown(bytes.length);
    expect(await hexOf(following)).toBe(sha256(bytes));
    expect(following.position).toBe(0);
    expect(seen.reduce((sum, count) => sum + count, 0)).toBe(bytes.length);
  });

  test('starts its thread once the file turns out not to be small', async () => {
    const bytes = rawDisk(threadAbove + 1);
    await file.write(bytes);
    const following = follow({ threadAbove });
    following.grown(threadAbove);
    expect(following.position).toBe(0);
    following.grown(bytes.length);
    expect(await hexOf(following)).toBe(sha256(bytes));
    expect(following.position).toBe(bytes.length);
  });

  test('fails with the reason when aborted', async () => {
    await file.write(text);
    const following = follow({ threadAbove });
    following.grown(text.length);
    aborter.abort(new Error('stopped'));
    await expect(following.finish()).rejects.toThrow('stopped');
  });
});

describe('a digester that cannot finish', () => {
  test.each([0, MIB])(
    'reports that the file became shorter, with a thread above %p bytes',
    async (threadAbove) => {
      await file.write(text);
      const following = follow({ threadAbove });
      following.grown(text.length + 1);
      await expect(following.finish()).rejects.toMatchObject({ kind: 'DiskBroken' });
      if (threadAbove === 0) await expect(following.ready()).rejects.toMatchObject({ kind: 'DiskBroken' });
    },
  );

  test.each([0, MIB])(
    'reports that the file cannot be read, with a thread above %p bytes',
    async (threadAbove) => {
      const writeOnly = await open(join(folder, randomUUID()), 'wx');
      try {
        await writeOnly.write(text);
        const following = follow({ file: writeOnly, threadAbove });
        following.grown(text.length);
        await expect(following.finish()).rejects.toMatchObject({
          kind: 'DiskBroken',
          message: expect.stringContaining('EBADF') as string,
        });
        await following.close();
      } finally {
        await writeOnly.close();
      }
    },
  );

  test('fails its waiting callers when its thread dies', async () => {
    const following = follow({ algorithms: ['SHA-3' as ChecksumAlgorithm] });
    following.grown(1);
    await expect(following.finish()).rejects.toMatchObject({ kind: 'HostFault' });
    await expect(following.ready()).rejects.toMatchObject({ kind: 'HostFault' });
  });

  test('fails at once with the reason when aborted', async () => {
    const huge = 2 ** 40;
    await file.truncate(huge);
    const following = follow();
    following.grown(huge);
    setImmediate(() => aborter.abort(new Error('stopped')));
    await expect(following.finish()).rejects.toThrow('stopped');
  });
});
