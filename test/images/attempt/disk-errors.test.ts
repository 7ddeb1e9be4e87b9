/** A disk that fails in the middle of a download: what was there before stays, and the next attempt goes on from it. */
import { randomUUID } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { download } from '../../../images/attempt/download.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { rawDisk } from '../../support/images.ts';

const MIB = 1_048_576;
const SIZE = 8 * MIB;
/** Bytes that are written well. */
const GOOD = 4 * MIB;
const body = rawDisk(SIZE);
const before = rawDisk(MIB, 2);

let lab: DownloadLab;
/** Of all files that are open. */
let handles: FileHandle;

beforeEach(async () => {
  lab = await openDownloadLab();
  const file = await open('/dev/null');
  handles = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await lab.close();
});

const attempt = (url: string, copyId: string) =>
  download(lab.request({ url, copyId }), lab.deps({ checkpointBytes: MIB, connections: 1 }));

/** From the bytes beyond GOOD on, this is what the system says to a call. */
function failFrom(call: 'writev' | 'datasync', code: string): void {
  const failure = Object.assign(new Error(`${code}: the disk says no`), { code });
  let written = 0;
  const writev = Reflect.get(handles, 'writev');
  const datasync = Reflect.get(handles, 'datasync');
  jest.spyOn(handles, 'writev').mockImplementation(async function (this: FileHandle, chunks, position) {
    if (call === 'writev' && written >= GOOD) throw failure;
    const done = await writev.call(this, chunks, position);
    written += done.bytesWritten;
    return done;
  });
  jest.spyOn(handles, 'datasync').mockImplementation(async function (this: FileHandle) {
    if (call === 'datasync' && written >= GOOD) throw failure;
    await datasync.call(this);
  });
}

describe.each([
  ['ENOSPC', 'NoSpace', 'no space is left on the pool'],
  ['EDQUOT', 'NoSpace', 'the quota of the pool is used up'],
  ['EIO', 'DiskBroken', 'input/output errors'],
  ['EROFS', 'DiskBroken', 'read-only'],
  ['ESTALE', 'DiskBroken', 'exported anew'],
] as const)('%s', (code, kind, said) => {
  test.each(['writev', 'datasync'] as const)(
    'of %s fails the download and keeps published images and parts',
    async (call) => {
      lab.server.serve('/before.img', { body: before });
      lab.server.serve('/a.img', { body });
      const there = await attempt(lab.server.url('/before.img'), randomUUID());
      const copyId = randomUUID();
      failFrom(call, code);
      await expect(attempt(lab.server.url('/a.img'), copyId)).rejects.toMatchObject({
        kind,
        message: expect.stringContaining(said),
      });
      jest.restoreAllMocks();
      expect(await lab.published()).toEqual([there.installPath]);
      expect((await readFile(there.localPath)).equals(before)).toBe(true);

      const again = await attempt(lab.server.url('/a.img'), copyId);
      expect((await readFile(again.localPath)).equals(body)).toBe(true);
      expect(again.fetched).toBeLessThanOrEqual(SIZE - GOOD + 2 * MIB);
      expect(await lab.parts()).toEqual([]);
    },
  );
});
