import { randomUUID } from 'node:crypto';
import { recordFiles } from '../../db/pools/files.ts';
import type { PoolFile } from '../../model/pool-files.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());
beforeEach(() => lab.orchestration.forget());

const fileOf = (name: string, changes: Partial<PoolFile> = {}): PoolFile => ({
  name,
  role: 'other',
  type: 'file',
  size: 7,
  physicalSize: 4096,
  inode: '1',
  modified: '2026-11-30T08:00:00.000Z',
  ...changes,
});

async function newPool(name: string, ...files: readonly PoolFile[]): Promise<string> {
  const pool = poolReport(name);
  await addHost(lab, { name, pools: [pool] });
  await recordFiles(lab.db, { poolId: pool.id, look: randomUUID() }, files);
  return pool.id;
}

const paramsOf = async (jobid: string): Promise<unknown> =>
  (
    await lab.db
      .selectFrom('async_job')
      .where('uuid', '=', jobid)
      .select('job_params')
      .executeTakeFirstOrThrow()
  ).job_params;

test('files that Bypass does not know are listed, counted with their pool, and removed by their ids', async () => {
  const part = fileOf(`.bypass-parts/${randomUUID()}.${randomUUID()}.part`, {
    role: 'part',
    id: randomUUID(),
  });
  const id = await newPool('listed', fileOf('a, b.img'), fileOf('c'), part);
  const { storagepoolfile: files } = await lab.admin.ok('listStoragePoolFiles', { storageid: id });
  expect(files).toMatchObject([
    { name: part.name, kind: 'Leftover' },
    { name: 'a, b.img', kind: 'Unknown', type: 'file', size: 7, storagename: 'listed' },
    { name: 'c', kind: 'Unknown' },
  ]);
  expect((await lab.admin.ok('listStoragePools', { id })).storagepool).toMatchObject([
    { unknownfilecount: 2, unknownfilesize: 14 },
  ]);
  const [, first] = files as [unknown, { readonly id: string }];
  const { jobid } = await lab.admin.ok('removeStoragePoolFiles', { id, fileids: first.id });
  expect(await paramsOf(jobid)).toEqual({ files: [{ name: 'a, b.img', inode: '1' }] });
  expect(lab.orchestration.of('requestCleanup')).toEqual([lab.zone.uuid]);
  expect((await lab.admin.ok('listEvents', { resourceid: id })).event).toMatchObject([
    {
      type: 'STORAGE.POOL.FILE.REMOVE',
      state: 'Scheduled',
      description: expect.stringContaining('a, b.img'),
    },
  ]);
  // Another file of the same name has another id, so that nobody removes what they did not see.
  await recordFiles(lab.db, { poolId: id, look: randomUUID() }, [fileOf('a, b.img', { inode: '2' })]);
  const { status, inner } = await lab.admin.call('removeStoragePoolFiles', { id, fileids: first.id });
  expect({ status, text: inner.errortext }).toEqual({
    status: 431,
    text: expect.stringContaining('no file that the last cleanup found'),
  });
});

test('a cleanup is a job, which may show only', async () => {
  const id = await newPool('cleaned');
  const { jobid } = await lab.admin.ok('cleanupStoragePool', { id, dryrun: true });
  expect(await paramsOf(jobid)).toEqual({ dryRun: true });
  expect(lab.orchestration.of('requestCleanup')).toEqual([lab.zone.uuid]);
});
