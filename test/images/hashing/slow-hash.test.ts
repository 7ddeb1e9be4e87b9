import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSlowly } from '../../../images/hashing/slow-hash.ts';
import { noise, sha256 } from '../../support/images.ts';
import { findProgram } from '../../support/programs.ts';

const MIB = 1_048_576;
const content = noise(3 * MIB + 776);
const never = new AbortController().signal;

let folder: string;
let path: string;
let file: FileHandle;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-slow-'));
  path = join(folder, 'image');
  await writeFile(path, content);
  file = await open(path);
});
afterEach(async () => {
  await file.close();
  await rm(folder, { recursive: true });
});

test('the hash is that of the whole file, read directly or, without the programs, like any other', async () => {
  expect(await hashSlowly(file, { bytesPerSecond: 0, signal: never })).toMatchObject({
    sha256: sha256(content),
  });
  const before = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    expect(await hashSlowly(file, { bytesPerSecond: 0, signal: never })).toMatchObject({
      sha256: sha256(content),
    });
  } finally {
    process.env['PATH'] = before;
  }
});

test('a slow one ends later than a fast one that began after it, and at once when it is aborted', async () => {
  const stop = new AbortController();
  let ended = false;
  const slow = hashSlowly(file, { bytesPerSecond: 1000, signal: stop.signal }).finally(() => {
    ended = true;
  });
  slow.catch(() => undefined);
  expect(await hashSlowly(file, { bytesPerSecond: 0, signal: never })).toMatchObject({
    sha256: sha256(content),
  });
  expect(ended).toBe(false);
  stop.abort(new Error('enough'));
  await expect(slow).rejects.toThrow('enough');
});

/** Pages of the file in the page cache; undefined where that cannot be known. */
function cachedPages(): number | undefined {
  if (findProgram('fincore') === undefined) return undefined;
  return Number(execFileSync('fincore', ['-n', '-o', 'PAGES', path], { encoding: 'utf8' }).trim());
}

test('the page cache stays as it is where the file can be read directly', async () => {
  execFileSync('sync', [path]);
  execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
  // tmpfs keeps its files in the cache, and cannot read them directly.
  if (cachedPages() !== 0) return;
  await hashSlowly(file, { bytesPerSecond: 0, signal: never });
  expect(cachedPages()).toBe(0);
});
