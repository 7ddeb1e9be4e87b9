/** Bytes on their way to the disk, where that fails. */
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Intake } from '../../../../images/pools/files/intake.ts';
import { PartFile } from '../../../../images/pools/files/part-file.ts';

let folder: string;
let part: PartFile;
const piece = Buffer.alloc(4096, 1);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-intake-'));
  part = await PartFile.create(join(folder, 'a.part'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await part.file.close().catch(() => undefined);
  await rm(folder, { recursive: true });
});

test('a failed write frees its room', async () => {
  const intake = new Intake(part, { checkpointBytes: piece.length, admission: false, hostId: 'host' });
  intake.recordAs({ url: 'http://a/', finalUrl: 'http://a/', total: 0 });
  jest.spyOn(part, 'write').mockRejectedValueOnce(new Error('no'));
  await expect(intake.write([piece], 0)).rejects.toThrow('no');
  await intake.room(piece.length);
  await intake.write([piece], 0);
  await intake.settle();
  expect(part.checkpoint).toMatchObject({ offset: piece.length });
});

test('settling does not wait for bytes whose write failed', async () => {
  const intake = new Intake(part, { checkpointBytes: 4 * piece.length, admission: false, hostId: 'host' });
  intake.recordAs({ url: 'http://a/', finalUrl: 'http://a/', total: 0 });
  await intake.write([piece], 0);
  jest.spyOn(part, 'write').mockRejectedValueOnce(new Error('no'));
  await expect(intake.write([piece], piece.length)).rejects.toThrow('no');
  await intake.settle();
  expect(part.checkpoint).toMatchObject({ offset: piece.length });
});

function standStill(): void {
  const now = performance.now();
  jest.spyOn(performance, 'now').mockReturnValue(now + 60_000);
}

describe('an intake whose process was suspended', () => {
  test('refuses bytes once another attempt took over', async () => {
    standStill();
    await unlink(part.path);
    await expect(part.write([piece], 0)).rejects.toMatchObject({ kind: 'HostGone' });
    expect((await part.file.stat()).size).toBe(0);
  });

  test('accepts bytes when no other attempt took over', async () => {
    standStill();
    await part.write([piece], 0);
    expect((await part.file.stat()).size).toBe(piece.length);
  });
});
