import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PARTS_FOLDER } from '../../../../images/pools/files/part-file.ts';
import { reportPool } from '../../../../images/pools/files/report.ts';
import { openPool } from '../../../../images/pools/kinds.ts';
import type { PoolConfig } from '../../../../images/pools/pool.ts';
import { createPools } from '../../../../images/pools/pools.ts';
import { removeCopy } from '../../../../images/pools/files/remove.ts';
import { POOL_MARKER } from '../../../../model/names.ts';
import { knownInMemory } from '../../../labs/host.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-pools-'));
});
afterEach(() => rm(folder, { recursive: true }));

const config = (changes: Partial<PoolConfig> = {}): PoolConfig => ({
  path: folder,
  name: 'lab',
  type: 'SharedMountPoint',
  scope: 'CLUSTER',
  create: true,
  ...changes,
});
const markerPath = (): string => join(folder, POOL_MARKER);
const refused = (sentence: string): Error =>
  expect.objectContaining({
    kind: 'PoolNotMounted',
    message: expect.stringContaining(sentence) as string,
  }) as Error;

describe('the marker of a pool', () => {
  test('is created by the first host and read by the others', async () => {
    const first = await openPool(config());
    const marker: unknown = JSON.parse(await readFile(markerPath(), 'utf8'));
    expect(marker).toEqual({ v: 1, id: first.id, name: 'lab', type: 'SharedMountPoint', scope: 'CLUSTER' });
    const second = await openPool(config({ create: false, name: 'another name here' }));
    expect(second.id).toBe(first.id);
    await second.check();
  });

  test('is created once, however many hosts start at the same time', async () => {
    const pools = await Promise.all(Array.from({ length: 20 }, () => openPool(config())));
    expect(new Set(pools.map(({ id }) => id)).size).toBe(1);
    expect(await readdir(folder)).toEqual([POOL_MARKER]);
  });

  test('of a shared pool is created only when the configuration allows it', async () => {
    await expect(openPool(config({ create: false }))).rejects.toThrow(
      refused('the pool is not mounted there'),
    );
    expect(await readdir(folder)).toEqual([]);
    const own = await openPool(config({ type: 'Filesystem', scope: 'HOST', create: false }));
    await own.check();
  });

  test('is never created again for a known pool', async () => {
    const { id } = await openPool(config());
    await rm(markerPath());
    const pool = await openPool(config(), id);
    await expect(pool.check()).rejects.toThrow(refused('not mounted there'));
    expect(await pool.report()).toMatchObject({ id, mounted: false, capacity: 0, free: 0 });
    expect(await readdir(folder)).toEqual([]);
  });

  test('of another pool is refused with both ids', async () => {
    const { id } = await openPool(config());
    const expected = randomUUID();
    const pool = await openPool(config(), expected);
    await expect(pool.check()).rejects.toThrow(refused(`is another pool (${id}, lab) than ${expected}`));
  });

  test('of another type or scope is refused', async () => {
    await openPool(config());
    await expect(openPool(config({ scope: 'ZONE' }))).rejects.toThrow(
      refused(
        'is configured as SharedMountPoint with scope ZONE, but its marker says SharedMountPoint with scope CLUSTER',
      ),
    );
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{"v":1,"id":"../x"}',
    '{"v":1,"id":"00000000-0000-4000-8000-000000000001"}',
    '{"v":2}',
  ])("that holds '%s' is damaged, and left alone", async (text) => {
    await writeFile(markerPath(), text);
    await expect(openPool(config())).rejects.toThrow(refused('is damaged'));
    expect(await readFile(markerPath(), 'utf8')).toBe(text);
  });

  test('is refused when it is a link or a folder', async () => {
    await symlink('/etc/hostname', markerPath());
    await expect(openPool(config())).rejects.toThrow('cannot be read');
    await rm(markerPath());
    await mkdir(markerPath());
    await expect(openPool(config())).rejects.toThrow('cannot be read');
  });
});

describe('the report of a pool', () => {
  test('gives its capacity, free space, and bytes of unfinished downloads by copy', async () => {
    const pool = await openPool(config());
    const [one, two] = [randomUUID(), randomUUID()];
    const parts = join(folder, PARTS_FOLDER);
    await mkdir(parts);
    await writeFile(join(parts, `${one}.${randomUUID()}.part`), Buffer.alloc(8192, 1));
    await writeFile(join(parts, `${one}.${randomUUID()}.part`), Buffer.alloc(4096, 1));
    await writeFile(join(parts, `${two}.${randomUUID()}.part`), Buffer.alloc(4096, 1));
    await writeFile(join(parts, `${two}.${randomUUID()}.json`), '{}');
    await writeFile(join(parts, 'bystander.part'), 'x');
    const report = await reportPool(pool);
    expect(report).toMatchObject({ id: pool.id, mounted: true, parts: { [one]: 12_288, [two]: 4096 } });
    expect(Object.keys(report.parts ?? {})).toHaveLength(2);
    expect(report.capacity).toBeGreaterThanOrEqual(report.free);
  });
});

test('a report fits into a message, however many files the pool has', async () => {
  const pool = await openPool(config());
  const parts = join(folder, PARTS_FOLDER);
  await mkdir(parts);
  for (let n = 0; n < 4200; n += 1) {
    await symlink('nowhere', join(parts, `${randomUUID()}.${randomUUID()}.part`));
  }
  expect(Object.keys((await reportPool(pool)).parts ?? {})).toHaveLength(4096);
});

describe('removing a copy', () => {
  test('removes its file and its parts, and nothing of another copy', async () => {
    const pool = await openPool(config());
    const [one, two] = [randomUUID(), randomUUID()];
    const parts = join(folder, PARTS_FOLDER);
    await mkdir(parts);
    for (const id of [one, two]) {
      await writeFile(join(folder, id), 'image');
      await writeFile(join(parts, `${id}.${randomUUID()}.part`), 'part');
    }
    expect(await removeCopy(pool, one)).toBe(2);
    expect((await readdir(folder)).toSorted()).toEqual([PARTS_FOLDER, POOL_MARKER, two].toSorted());
    expect(await readdir(parts)).toEqual([expect.stringContaining(two)]);
    expect(await removeCopy(pool, one)).toBe(0);
  });
});

describe('the pools of a host', () => {
  test('are found by their ids, mounted or not', async () => {
    const pools = createPools([config()], knownInMemory());
    const { pools: reports, problems } = await pools.report();
    const id = reports[0]?.id ?? '';
    expect(problems).toEqual([]);
    expect((await pools.require(id)).config.path).toBe(folder);
    await rm(markerPath());
    await expect((await pools.require(id)).check()).rejects.toThrow(refused('not mounted'));
    await expect(pools.require(randomUUID())).rejects.toThrow(refused('this host has no such pool'));
  });

  test('that are absent at the start are reported, and opened once they appear', async () => {
    const path = join(folder, 'later');
    const pools = createPools([config({ path, create: false })], knownInMemory());
    expect((await pools.report()).problems).toEqual([expect.stringContaining('pool lab: ')]);
    await mkdir(path);
    const { id } = await openPool(config({ path }));
    expect((await pools.require(id)).id).toBe(id);
    expect(await pools.report()).toMatchObject({ pools: [{ id, mounted: true }], problems: [] });
  });

  test('whose path is absent or no folder are reported with that reason', async () => {
    await writeFile(join(folder, 'file'), '');
    const own = { type: 'Filesystem', scope: 'HOST' } as const;
    const configs = ['missing', 'file'].map((name) => config({ ...own, name, path: join(folder, name) }));
    const { problems } = await createPools(configs, knownInMemory()).report();
    expect(problems).toEqual([
      `pool missing: ${folder}/missing does not exist: make the folder, or mount the pool there`,
      expect.stringContaining('pool file: '),
    ]);
  });

  test('do not contain the same pool twice', async () => {
    const twin = join(folder, 'twin');
    await mkdir(twin);
    const { id } = await openPool(config());
    await writeFile(join(twin, POOL_MARKER), await readFile(markerPath()));
    const pools = createPools([config(), config({ name: 'twin', path: twin })], knownInMemory());
    const report = await pools.report();
    expect(report.pools.map((pool) => pool.id)).toEqual([id]);
    expect(report.problems).toEqual([`pool twin: ${twin} is the same pool as ${folder} (lab)`]);
  });

  test('are remembered by path, so that a lost marker is not created again', async () => {
    const known = knownInMemory();
    const { pools } = await createPools([config()], known).report();
    await rm(markerPath());
    const again = await createPools([config()], known).report();
    expect(again.pools).toEqual([expect.objectContaining({ id: pools[0]?.id, mounted: false })]);
    expect(await readdir(folder)).toEqual([]);
  });
});
