/** Bytes on their way to the disk, where that fails. */
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Intake } from '../../images/intake.ts';
import { PartFile } from '../../images/part-file.ts';

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

test('nobody waits for bytes that could not be written', async () => {
  const intake = new Intake(part, { checkpointBytes: piece.length, admitted: false });
  intake.from({ hostId: 'host', url: 'http://a/', finalUrl: 'http://a/', total: 0 });
  jest.spyOn(part, 'write').mockRejectedValueOnce(new Error('no'));
  await expect(intake.write([piece], 0)).rejects.toThrow('no');
  await intake.ready(piece.length);
  await intake.write([piece], 0);
  await intake.settle();
  expect(part.checkpoint).toMatchObject({ offset: piece.length });
});

test('what could not be written is no reason to wait for the end', async () => {
  const intake = new Intake(part, { checkpointBytes: 4 * piece.length, admitted: false });
  intake.from({ hostId: 'host', url: 'http://a/', finalUrl: 'http://a/', total: 0 });
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

describe('a process that stood still', () => {
  test('takes no more bytes once another attempt took over', async () => {
    standStill();
    await unlink(part.path);
    await expect(part.write([piece], 0)).rejects.toMatchObject({ kind: 'HostGone' });
    expect((await part.file.stat()).size).toBe(0);
  });

  test('goes on when nobody did', async () => {
    standStill();
    await part.write([piece], 0);
    expect((await part.file.stat()).size).toBe(piece.length);
  });
});
