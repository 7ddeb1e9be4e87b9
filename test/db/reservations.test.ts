import { sql } from 'kysely';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { NotPossible } from '../../db/errors.ts';
import { recordPoolReports } from '../../db/pools/pools.ts';
import { copyFacts, openCopy } from '../../db/copies/copies.ts';
import { release, reserve } from '../../db/copies/reservations.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

async function newPool(free: number) {
  const host = await lab.addHost();
  const report = await lab.addPool(host.uuid, { free });
  const copy = async (): Promise<string> => {
    const template = await lab.addTemplate();
    return (await openCopy(lab.db, { templateId: template.uuid, poolId: report.id }, 'w', PROTOCOLS)).copyId;
  };
  const tell = (changes: Partial<typeof report>) =>
    recordPoolReports(lab.db, host.uuid, [{ ...report, ...changes }]);
  return { copy, tell };
}

test('a copy gets room beside the reservations before it when there is enough space (46)', async () => {
  const pool = await newPool(1000);
  const [one, two] = [await pool.copy(), await pool.copy()];
  expect(await reserve(lab.db, one, 600)).toEqual({
    granted: true,
    poolName: 'pool',
    needed: 600,
    free: 1000,
    reserved: 0,
  });
  expect(await reserve(lab.db, two, 500)).toMatchObject({ granted: false, needed: 500, reserved: 600 });
  expect(await reserve(lab.db, two, 400)).toMatchObject({ granted: true });
  expect(await reserve(lab.db, one, 600)).toMatchObject({ granted: true, reserved: 400 });
});

test('a copy that gets no room reserves none when there is not enough space (45)', async () => {
  const pool = await newPool(1000);
  const [one, two] = [await pool.copy(), await pool.copy()];
  await reserve(lab.db, one, 600);
  await pool.tell({ free: 500 });
  expect(await reserve(lab.db, one, 600)).toMatchObject({ granted: false });
  expect(await reserve(lab.db, two, 500)).toMatchObject({ granted: true, reserved: 0 });
});

test('bytes that are written already are not reserved again', async () => {
  const pool = await newPool(1000);
  const [one, two] = [await pool.copy(), await pool.copy()];
  await reserve(lab.db, one, 800);
  await pool.tell({ free: 300, parts: { [one]: 700 } });
  expect(await reserve(lab.db, two, 200)).toMatchObject({ granted: true, free: 300, reserved: 100 });
  expect(await reserve(lab.db, one, 800)).toMatchObject({ granted: true, needed: 100, reserved: 200 });
});

test('a pool is roomy when a tenth of it stays free beside a copy and all that is reserved', async () => {
  const pool = await newPool(500);
  await pool.tell({ capacity: 1000, free: 500 });
  const [one, two] = [await pool.copy(), await pool.copy()];
  const isRoomy = async (bytes: number) => (await copyFacts(lab.db, two, bytes))?.roomy;
  expect(await isRoomy(400)).toBe(true);
  expect(await isRoomy(401)).toBe(false);
  await reserve(lab.db, one, 300);
  expect(await isRoomy(100)).toBe(true);
  expect(await isRoomy(101)).toBe(false);
});

test('the report of a pool may be older than a month', async () => {
  const pool = await newPool(500);
  const copy = await pool.copy();
  await lab.db
    .updateTable('storage_pool')
    .set({ reported: sql`now() - interval '40 days'` })
    .execute();
  const { reportAgeMs = null } = (await copyFacts(lab.db, copy)) ?? {};
  expect(reportAgeMs).toBeGreaterThan(39 * 24 * 3_600_000);
});

test('of many copies that reserve at once, as many get room as fit', async () => {
  const pool = await newPool(1000);
  const copies = await Promise.all(Array.from({ length: 20 }, () => pool.copy()));
  const rooms = await Promise.all(copies.map((copy) => reserve(lab.db, copy, 300)));
  expect(rooms.filter(({ granted }) => granted)).toHaveLength(3);
  const [holder] = copies.filter((_copy, index) => rooms[index]?.granted);
  await release(lab.db, holder ?? '');
  const again = await Promise.all(
    copies.filter((_copy, index) => !rooms[index]?.granted).map((copy) => reserve(lab.db, copy, 300)),
  );
  expect(again.filter(({ granted }) => granted)).toHaveLength(1);
});

test('a copy that was removed gets no reservation', async () => {
  const gone = reserve(lab.db, '00000000-0000-4000-8000-000000000000', 1);
  await expect(gone).rejects.toThrow(NotPossible);
});
