import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeOverlay } from '../../hypervisor/qcow2-overlay.ts';
import { needing } from '../support/programs.ts';
import { run } from '../support/qemu.ts';

const MIB = 1_048_576;
const GIB = 1024 * MIB;

const infoOf = (path: string): object => {
  const found = JSON.parse(run('qemu-img', 'info', '--output=json', path)) as Record<string, unknown>;
  const { filename: _name, 'actual-size': _size, ...info } = found;
  return info;
};

needing('qemu-img', 'qemu-io')('an overlay', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-overlay-'));
    const image = join(folder, 'image');
    await writeFile(image, Buffer.alloc(MIB, 'i'));
    await truncate(image, 2 * MIB);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const made = async (size: number): Promise<string> => {
    const path = join(folder, `disk-${size}`);
    const file = await open(path, 'wx+');
    await writeOverlay(file, { size, backingName: 'image', backingFormat: 'raw' });
    await file.close();
    return path;
  };

  test.each([65_536, 64 * MIB, GIB / 2, GIB / 2 + 65_536, 5 * 1024 * GIB])(
    'of %i bytes is what qemu-img makes, and QEMU finds no fault in it',
    async (size) => {
      const path = await made(size);
      const other = join(folder, 'other');
      run('qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-b', 'image', '-F', 'raw', other, String(size));
      expect(infoOf(path)).toEqual(infoOf(other));
      expect(run('qemu-img', 'check', path)).toContain('No errors were found');
    },
  );

  test('shows the image, takes what is written, and leaves the image alone', async () => {
    const size = 3 * MIB;
    const path = await made(size);
    const io = (...commands: readonly string[]) =>
      run('qemu-io', '-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), path);
    expect(
      io('read -P 0x69 0 1M', 'read -P 0 1M 2M', `write -P 7 ${size - 65_536} 64k`, 'write -P 9 0 4k'),
    ).not.toMatch(/failed/);
    expect(io(`read -P 7 ${size - 65_536} 64k`, 'read -P 9 0 4k', 'read -P 0x69 4k 1020k')).not.toMatch(
      /failed/,
    );
    expect(run('qemu-img', 'check', path)).toContain('No errors were found');
    expect(run('qemu-io', '-r', '-f', 'raw', '-c', 'read -P 0x69 0 1M', join(folder, 'image'))).not.toMatch(
      /failed/,
    );
  });

  test('with a name of an image that the format cannot hold is not made', async () => {
    const file = await open(join(folder, 'refused'), 'wx+');
    const overlay = { size: MIB, backingName: 'n'.repeat(1024), backingFormat: 'raw' } as const;
    await expect(writeOverlay(file, overlay)).rejects.toThrow('too long');
    await file.close();
  });
});
