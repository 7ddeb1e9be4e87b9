import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesInUse } from '../../../../hypervisor/files-in-use.ts';
import { openPool } from '../../../../images/pools/kinds.ts';
import type { Pool } from '../../../../images/pools/pool.ts';
import { findingOf } from '../../../../model/pool-files.ts';
import { publishedIn } from '../../../support/pool-folder.ts';

let folder: string;
let root: string;
let pool: Pool;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-listing-'));
  root = join(folder, 'pool');
  await mkdir(join(root, '.bypass-parts'), { recursive: true });
  pool = await openPool({ path: root, type: 'Filesystem', scope: 'HOST', name: 'p', create: true });
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, content = 'content'): Promise<void> => writeFile(join(root, name), content);
const listed = async (name: string) => (await pool.files()).find((file) => file.name === name);
const names = async (): Promise<readonly string[]> => (await pool.files()).map(({ name }) => name);

test('everything in a pool is listed with what its name says, and no link is followed', async () => {
  const [id, attempt] = [randomUUID(), randomUUID()];
  await write(id, 'image');
  await write(`${id}.nvram`);
  await write(`.bypass-parts/${id}.${attempt}.part`);
  await write(`.bypass-parts/${id}.${attempt}.volume`);
  await write('notes\n.txt');
  await writeFile(Buffer.from(`${root}/\xff`, 'latin1'), 'no text');
  await mkdir(join(folder, 'outside'));
  await writeFile(join(folder, 'outside', 'secret'), 'x');
  await symlink(join(folder, 'outside'), join(root, 'link'));
  await mkdir(join(root, 'folder'));
  await mkdir(join(root, 'lost+found'));
  const found = Object.fromEntries((await pool.files()).map((file) => [file.name, file]));
  expect(found).toMatchObject({
    [id]: { role: 'image', id, type: 'file', size: 5 },
    [`${id}.nvram`]: { role: 'firmware', id },
    [`.bypass-parts/${id}.${attempt}.part`]: { role: 'part', id },
    [`.bypass-parts/${id}.${attempt}.volume`]: { role: 'draft', id },
    'notes\n.txt': { role: 'other', type: 'file' },
    ÿ: { role: 'other', type: 'other' },
    link: { role: 'other', type: 'link', size: 0 },
    folder: { role: 'other', type: 'folder', size: 0 },
  });
  expect(Object.keys(found)).toHaveLength(8);
  // What is no file is unknown, whatever its name says.
  const none = { copies: new Map(), disks: new Map() };
  expect(Object.values(found).filter((file) => findingOf(file, none) === 'leftover')).toHaveLength(2);
});

test('a folder of part files that is a link is not entered', async () => {
  await rm(join(root, '.bypass-parts'), { recursive: true });
  await mkdir(join(folder, 'elsewhere'));
  await writeFile(join(folder, 'elsewhere', 'x'), 'x');
  await symlink(join(folder, 'elsewhere'), join(root, '.bypass-parts'));
  expect(await pool.files()).toMatchObject([{ name: '.bypass-parts', type: 'link', role: 'other' }]);
  await pool.removeFile({ name: '.bypass-parts/x', inode: '1' });
  expect(await readFile(join(folder, 'elsewhere', 'x'), 'utf8')).toBe('x');
});

test('a file is removed only while its name is its own, and nothing outside the pool ever', async () => {
  await write('a');
  await write('b');
  const a = await listed('a');
  if (a === undefined) throw new Error('it is not listed');
  await rename(join(root, 'b'), join(root, 'a'));
  expect(await pool.removeFile(a)).toMatch(/is another file/);
  const now = await listed('a');
  if (now === undefined) throw new Error('it is not listed');
  expect(await pool.removeFile(now)).toBeUndefined();
  expect(await pool.removeFile(now)).toBeUndefined();
  expect(await names()).toEqual([]);
  await mkdir(join(root, 'folder'));
  const { ino } = await stat(join(root, 'folder'));
  expect(await pool.removeFile({ name: 'folder', inode: String(ino) })).toMatch(/is not a regular file/);
  for (const name of ['../outside', '/etc/passwd', '.bypass-parts/../x', '..', '.bypass-pool', ''])
    await expect(pool.removeFile({ name, inode: '1' })).rejects.toThrow(/is no name of a file/);
  expect(await publishedIn(root)).toEqual(['folder']);
});

test('a pool that is not mounted is neither listed nor changed', async () => {
  await write('x');
  const x = await listed('x');
  if (x === undefined) throw new Error('it is not listed');
  await rm(join(root, '.bypass-pool'));
  await expect(pool.files()).rejects.toMatchObject({ kind: 'PoolNotMounted' });
  await expect(pool.removeFile(x)).rejects.toMatchObject({ kind: 'PoolNotMounted' });
  expect(await readFile(join(root, 'x'), 'utf8')).toBe('content');
});

const qemuImg = (...args: readonly string[]): void => void execFileSync('qemu-img', args, { cwd: root });

const used = async (...paths: readonly string[]) => (await filesInUse(pool, paths)).map(({ name }) => name);

test('what an overlay stands on is in use, through any number of images, and by whatever path', async () => {
  for (const name of ['base', 'free', 'data', 'in-domain']) await write(name, 'x'.repeat(65_536));
  qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', 'middle', '1M');
  qemuImg('create', '-q', '-f', 'qcow2', '-b', join(root, 'middle'), '-F', 'qcow2', 'top', '1M');
  qemuImg('create', '-q', '-f', 'qcow2', '-o', 'data_file=data', 'with-data', '1M');
  // A domain of somebody else, whose disk is elsewhere and stands on a file of the pool, and one that names a link to it.
  qemuImg(
    'create',
    '-q',
    '-f',
    'qcow2',
    '-u',
    '-b',
    join(root, 'free'),
    '-F',
    'raw',
    join(folder, 'disk'),
    '1M',
  );
  await symlink(root, join(folder, 'mounted'));
  await symlink(join(folder, 'disk'), join(folder, 'link'));
  const inJson = `json:{"driver":"raw","file":{"driver":"file","filename":"${join(root, 'in-domain')}"}}`;
  qemuImg('create', '-q', '-f', 'qcow2', '-u', '-b', inJson, '-F', 'raw', join(folder, 'by-json'), '1M');
  expect(await used()).toEqual(['base', 'data', 'middle']);
  for (const path of ['disk', 'link'])
    expect(await used(join(folder, path))).toEqual(['base', 'data', 'free', 'middle']);
  expect(await used(join(folder, 'by-json'))).toEqual(['base', 'data', 'in-domain', 'middle']);
  expect(await used(join(folder, 'mounted', 'in-domain'), '/nowhere')).toEqual([
    'base',
    'data',
    'in-domain',
    'middle',
  ]);
});
