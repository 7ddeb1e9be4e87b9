import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPool } from '../../../../images/pools/kinds.ts';
import type { Pool } from '../../../../images/pools/pool.ts';
import { partsIn, publishedIn } from '../../../support/pool-folder.ts';

let root: string;
let pool: Pool;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bypass-volumes-'));
  pool = await openPool({ path: root, type: 'Filesystem', scope: 'HOST', name: 'p', create: true });
});
afterEach(() => rm(root, { recursive: true }));

const content = async (volumeId: string): Promise<string | undefined> => {
  const volume = await pool.openVolume(volumeId);
  if (volume === undefined) return undefined;
  await volume.file.close();
  return readFile(volume.path, 'utf8');
};

test('a disk has its name only when it is complete, and belongs to its owner alone', async () => {
  const volumeId = randomUUID();
  const seen: unknown[] = [];
  const made = await pool.createVolume(volumeId, async ({ path }) => {
    await writeFile(path, 'half');
    seen.push(await content(volumeId), await publishedIn(root));
    await writeFile(path, 'whole');
  });
  expect(made).toBe(true);
  expect(seen).toEqual([undefined, []]);
  expect(await content(volumeId)).toBe('whole');
  expect((await stat(join(root, volumeId))).mode & 0o777).toBe(0o600);
  expect(await partsIn(root)).toEqual([]);
});

test('a disk that could not be filled leaves nothing', async () => {
  const volumeId = randomUUID();
  const failure = new Error('no space');
  await expect(pool.createVolume(volumeId, () => Promise.reject(failure))).rejects.toBe(failure);
  expect([await publishedIn(root), await partsIn(root)]).toEqual([[], []]);
});

test('an existing disk is never overwritten', async () => {
  const volumeId = randomUUID();
  await pool.createVolume(volumeId, ({ path }) => writeFile(path, 'first'));
  expect(await pool.createVolume(volumeId, ({ path }) => writeFile(path, 'second'))).toBe(false);
  expect(await content(volumeId)).toBe('first');
  expect(await partsIn(root)).toEqual([]);
});

test('what a dead host worker left of a disk goes with its next start, or with the disk; that of others stays', async () => {
  const [volumeId, other] = [randomUUID(), randomUUID()];
  await pool.createVolume(other, ({ path }) => writeFile(path, 'other'));
  const leave = async (id: string): Promise<string> => {
    const name = `${id}.${randomUUID()}.volume`;
    await writeFile(join(root, '.bypass-parts', name), 'left over');
    return name;
  };
  const kept = await leave(other);
  await leave(volumeId);
  await pool.createVolume(volumeId, ({ path }) => writeFile(path, 'whole'));
  expect(await partsIn(root)).toEqual([kept]);
  await leave(volumeId);
  await writeFile(join(root, `${volumeId}.nvram`), 'variables');
  expect(await pool.removeVolume(volumeId)).toBe(3);
  expect(await pool.removeVolume(volumeId)).toBe(0);
  expect(await publishedIn(root)).toEqual([other]);
  expect(await partsIn(root)).toEqual([kept]);
});

test('a link in the place of a disk is not followed, and a name that is no UUID is refused', async () => {
  const volumeId = randomUUID();
  await symlink('/etc/passwd', join(root, volumeId));
  await expect(pool.openVolume(volumeId)).rejects.toMatchObject({ kind: 'DiskBroken' });
  await expect(pool.openVolume('../outside')).rejects.toThrow('is not a UUID');
  await expect(pool.removeVolume('../outside')).rejects.toThrow('is not a UUID');
});

test('no disk is made or removed where the pool is not mounted', async () => {
  await rm(join(root, '.bypass-pool'));
  const volumeId = randomUUID();
  const fill = jest.fn();
  await expect(pool.createVolume(volumeId, fill)).rejects.toMatchObject({ kind: 'PoolNotMounted' });
  await expect(pool.removeVolume(volumeId)).rejects.toMatchObject({ kind: 'PoolNotMounted' });
  expect(fill).not.toHaveBeenCalled();
});
