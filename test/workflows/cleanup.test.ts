/** The cleanup of pools: rows and workflows are real, and so are the files; hosts run the real activities on real folders. */
import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { filesOf, listPoolFiles } from '../../db/pools/files.ts';
import { createDeploymentJob, createJob } from '../../db/jobs/jobs.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { setConfiguration } from '../../db/zones/configurations.ts';
import { MAX_FILES_TOLD } from '../../model/pool-files.ts';
import type { CleanupCommand, CleanupJobParameters } from '../../model/pool-files.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { openMachines } from '../labs/machines.ts';
import { isFullRun } from '../support/programs.ts';
import { openPoolHosts } from '../support/pool-host.ts';
import type { PoolHost, PoolHosts } from '../support/pool-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
let hosts: PoolHosts;
beforeAll(async () => {
  lab = await openControlLab();
  hosts = openPoolHosts(lab);
});
afterEach(() => lab.removeHosts());
afterAll(async () => {
  await lab.close();
  await hosts.close();
});

interface Shown {
  readonly name: string;
  readonly kind?: string;
  readonly action: string;
  readonly reason?: string;
}

interface JobResult {
  readonly storagepoolcleanup: readonly Shown[];
  readonly storagepoolcleanupmore?: number;
  readonly errortext?: string;
}

/** As the API does it. */
async function perform(
  { poolId }: Pick<PoolHost, 'poolId'>,
  cmd: CleanupCommand,
  params: CleanupJobParameters = {},
): Promise<JobResult> {
  const { accountId, userId } = lab;
  const about = { cmd, instanceType: 'StoragePool', instanceUuid: poolId, params };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  await lab.orchestration.requestCleanup(lab.zoneId);
  return (await lab.finished(jobId)).job_result as JobResult;
}

const clean = async (pool: Pick<PoolHost, 'poolId'>, dryRun = false): Promise<readonly Shown[]> =>
  (await perform(pool, 'cleanupStoragePool', { dryRun })).storagepoolcleanup;

/** Removes files that the last look found, by their names. */
async function remove({ poolId }: PoolHost, ...names: readonly string[]): Promise<readonly Shown[]> {
  const { rows } = await listPoolFiles(lab.db, { poolId }, { limit: 100, offset: 0 });
  const ids = rows.filter(({ name }) => names.includes(name)).map(({ uuid }) => uuid);
  const files = (await filesOf(lab.db, poolId, ids)).map(({ name, inode }) => ({ name, inode }));
  return (await perform({ poolId }, 'removeStoragePoolFiles', { files })).storagepoolcleanup;
}

const configure = async (name: string, value: string): Promise<void> => {
  const zone = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  await setConfiguration(lab.db, name, value, zone.id);
};

async function deployed(pool: PoolHost): Promise<CopyUuids & { readonly copyId: string }> {
  const copy = { templateId: await lab.addTemplate(), poolId: pool.poolId };
  await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  return { ...copy, copyId: (await lab.copy(copy))?.uuid ?? '' };
}

const setState = (copyId: string, state: 'Failed' | 'Creating') =>
  lab.db.updateTable('template_spool_ref').set({ state }).where('uuid', '=', copyId).execute();

const events = (type: string, poolId: string) =>
  lab.db
    .selectFrom('event')
    .where('type', '=', type)
    .where('resource_uuid', '=', poolId)
    .selectAll()
    .orderBy('id')
    .execute();

const byName = (shown: readonly Shown[]): Readonly<Record<string, Shown>> =>
  Object.fromEntries(shown.map((one) => [one.name, one]));

const overlayOn = (root: string, base: string, name: string): void =>
  void execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', '-b', base, '-F', 'raw', name, '1M'], {
    cwd: root,
  });

const part = (copyId: string, ending: string): string => `.bypass-parts/${copyId}.${randomUUID()}.${ending}`;

test('leftovers of ended downloads go; what a download may go on from, and what no row knows, stays', async () => {
  const pool = await hosts.add('leftovers');
  const [ready, failed, loading] = [await deployed(pool), await deployed(pool), await deployed(pool)];
  await setState(failed.copyId, 'Failed');
  await setState(loading.copyId, 'Creating');
  const gone = [
    part(ready.copyId, 'part'),
    part(ready.copyId, 'json'),
    part(ready.copyId, `json.${randomUUID()}.new`),
    part(randomUUID(), 'inflated'),
    part(randomUUID(), 'volume'),
  ];
  const kept = [part(failed.copyId, 'part'), part(loading.copyId, 'json')];
  const unknown = ['notes.txt', randomUUID(), `${randomUUID()}.nvram`, '.bypass-parts/x.part'];
  for (const name of [...gone, ...kept, ...unknown]) await pool.write(name, 'x');

  // A dry run shows it, and changes nothing.
  const shown = byName(await clean(pool, true));
  for (const name of gone) expect(shown[name]).toMatchObject({ kind: 'Leftover', action: 'WouldBeRemoved' });
  for (const name of unknown) expect(shown[name]).toMatchObject({ kind: 'Unknown', action: 'Kept' });
  for (const name of kept) expect(shown[name]).toBeUndefined();
  for (const name of [...gone, ...kept, ...unknown]) expect(await pool.has(name)).toBe(true);

  const done = byName(await clean(pool));
  for (const name of gone) expect(done[name]).toMatchObject({ action: 'Removed' });
  for (const name of gone) expect(await pool.has(name)).toBe(false);
  for (const name of [...kept, ...unknown, ready.copyId]) expect(await pool.has(name)).toBe(true);

  await clean(pool);
  const told = await events('STORAGE.POOL.FILE.UNKNOWN', pool.poolId);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ level: 'WARN', description: expect.stringContaining('notes.txt') });
  const { count } = await listPoolFiles(lab.db, { poolId: pool.poolId }, { limit: 100, offset: 0 });
  expect(count).toBe(unknown.length);
});

test('of very many leftovers all go, and the job lists the first of them and says how many more there are', async () => {
  const pool = await hosts.add('littered');
  const count = MAX_FILES_TOLD + 7;
  const names = Array.from({ length: count }, () => part(randomUUID(), 'part'));
  for (const name of names) await pool.write(name, 'x');
  const { storagepoolcleanup, storagepoolcleanupmore } = await perform(pool, 'cleanupStoragePool');
  expect(storagepoolcleanup).toHaveLength(MAX_FILES_TOLD);
  expect(new Set(storagepoolcleanup.map(({ action }) => action))).toEqual(new Set(['Removed']));
  expect(storagepoolcleanupmore).toBe(7);
  for (const name of names) expect(await pool.has(name)).toBe(false);
  const [told] = await events('STORAGE.POOL.CLEANUP', pool.poolId);
  expect(told?.description).toContain(`${count} files of ended downloads`);
});

/** As if nothing had used it for an hour. */
const growOld = (copyId: string) =>
  lab.db
    .updateTable('template_spool_ref')
    .set({ idle_since: sql`idle_since - interval '1 hour'` })
    .where('uuid', '=', copyId)
    .execute();

const isGone = (copy: CopyUuids) =>
  until('the copy is gone', async () => (await lab.copy(copy)) === undefined);

describe('a copy that no machine uses and nobody asked for', () => {
  beforeAll(() => configure('storage.cleanup.delay', '1800'));
  beforeEach(() => configure('storage.template.cleanup.enabled', 'true'));

  if (isFullRun)
    test('goes after the delay, and only if the zone says so', async () => {
      await configure('storage.template.cleanup.enabled', 'false');
      const pool = await hosts.add('idle');
      const copy = await deployed(pool);
      expect(await clean(pool)).toEqual([]);
      await growOld(copy.copyId);
      expect(await clean(pool)).toMatchObject([
        { kind: 'Copy', action: 'Kept', reason: 'storage.template.cleanup.enabled is false' },
      ]);
      await configure('storage.template.cleanup.enabled', 'true');
      expect(await clean(pool, true)).toMatchObject([{ kind: 'Copy', action: 'WouldBeRemoved' }]);
      expect(await pool.has(copy.copyId)).toBe(true);
      expect(await clean(pool)).toMatchObject([{ kind: 'Copy', action: 'BeingRemoved' }]);
      await isGone(copy);
      expect(await pool.has(copy.copyId)).toBe(false);
      const [event] = await lab.db
        .selectFrom('event')
        .where('type', '=', 'TEMPLATE.POOL.REMOVE')
        .where('resource_uuid', '=', copy.templateId)
        .selectAll()
        .execute();
      expect(event?.description).toMatch(
        / was removed from pool idle for the cleanup, since nothing has used it/,
      );
    });

  test('stays as soon as somebody asks for it, however old the look is', async () => {
    const pool = await hosts.add('asked');
    const copy = await deployed(pool);
    await clean(pool);
    await growOld(copy.copyId);
    // Asked before the removal decides, whose request has not come to Temporal yet.
    const { accountId, userId } = lab;
    const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: copy.templateId };
    const { jobId } = await createDeploymentJob(lab.db, { accountId, userId, ...about, copies: [copy] });
    await clean(pool);
    await lab.copyEnded(copy);
    expect(await lab.copy(copy)).toMatchObject({ state: 'Ready' });
    await lab.orchestration.requestDeployment(copy);
    expect((await lab.finished(jobId)).job_status).toBe(1);
    await lab.copyEnded(copy);
    // From then on the time is counted anew.
    expect((await lab.copy(copy))?.idle_since).toBeNull();
    expect(await clean(pool)).toEqual([]);
    expect(await pool.has(copy.copyId)).toBe(true);
  });

  test('is not taken from a machine, and not from one that is placed before the removal decides', async () => {
    const pool = await hosts.add('machines');
    const copy = await deployed(pool);
    await clean(pool);
    await growOld(copy.copyId);
    const machines = openMachines(lab);
    const vmId = await machines.add({ templateId: copy.templateId, storage: 'local' });
    expect((await machines.perform(vmId, 'deployVirtualMachine')).job_status).toBe(1);
    expect((await lab.copy(copy))?.idle_since).toBeNull();
    // A look of before, whose decision comes late.
    const names = { template: 'debian', pool: 'machines' };
    await lab.orchestration.startRetirement(copy, { by: 'the cleanup', idleSeconds: 0 }, names);
    await lab.copyEnded(copy);
    expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', uuid: copy.copyId });
    expect(await clean(pool)).toEqual([]);
    await machines.perform(vmId, 'expungeVirtualMachine');
    await clean(pool);
    expect((await lab.copy(copy))?.idle_since).not.toBeNull();
    await growOld(copy.copyId);
    await clean(pool);
    await isGone(copy);
  });

  test('stays while a domain of any host of the pool, or another file of the pool, uses it', async () => {
    const [one, two] = [await hosts.add('one', 'shared'), await hosts.add('two', 'shared')];
    const [plain, base] = [await deployed(one), await deployed(one)];
    await clean(one);
    for (const { copyId } of [plain, base]) await growOld(copyId);
    two.domains.push(join(two.root, plain.copyId));
    overlayOn(one.root, base.copyId, 'by-hand.qcow2');
    expect(await clean(one)).toMatchObject([{ kind: 'Unknown', name: 'by-hand.qcow2' }]);
    for (const { copyId } of [plain, base]) expect(await one.has(copyId)).toBe(true);
    two.domains.length = 0;
    // A host that is Down may have a domain that uses it.
    await two.host.setUp(false);
    expect(byName(await clean(one))['debian']).toMatchObject({
      action: 'Kept',
      reason: expect.stringContaining('host two is Down'),
    });
    expect(await one.has(plain.copyId)).toBe(true);
    await two.host.setUp(true);
    await clean(one);
    await isGone(plain);
    expect(await lab.copy(base)).toMatchObject({ state: 'Ready' });
  });

  if (isFullRun)
    test('goes with the bytes of a download that failed long ago', async () => {
      const pool = await hosts.add('abandoned');
      const copy = await deployed(pool);
      await setState(copy.copyId, 'Failed');
      await clean(pool);
      await growOld(copy.copyId);
      expect(await clean(pool)).toEqual([]);
      await lab.db
        .updateTable('storage_pool')
        .set({ parts: JSON.stringify({ [copy.copyId]: 4096 }) })
        .where('uuid', '=', pool.poolId)
        .execute();
      await clean(pool);
      await isGone(copy);
    });
});

describe('files that no row knows', () => {
  if (isFullRun)
    test('are removed when an administrator names them, and no other', async () => {
      const pool = await hosts.add('named');
      await pool.write('a,b "c".img', 'x');
      await pool.write('other', 'y');
      await clean(pool);
      expect(await remove(pool, 'a,b "c".img')).toEqual([
        { name: 'a,b "c".img', action: 'Removed', storageid: pool.poolId, storagename: 'named' },
      ]);
      expect([await pool.has('a,b "c".img'), await pool.has('other')]).toEqual([false, true]);
      expect(await events('STORAGE.POOL.FILE.REMOVE', pool.poolId)).toHaveLength(1);
      const { rows } = await listPoolFiles(lab.db, { poolId: pool.poolId }, { limit: 100, offset: 0 });
      expect(rows.map(({ name }) => name)).toEqual(['other']);
    });

  test('stay while a domain or an overlay uses them, or a host of the pool does not say so', async () => {
    const [one, two] = [await hosts.add('three', 'common'), await hosts.add('four', 'common')];
    for (const name of ['in-domain', 'base']) await one.write(name, Buffer.alloc(65_536));
    overlayOn(one.root, 'base', 'top.qcow2');
    two.domains.push(join(two.root, 'in-domain'));
    await clean(one);
    const refused = await remove(one, 'in-domain', 'base');
    expect(refused).toHaveLength(2);
    for (const { action, reason } of refused)
      expect({ action, reason }).toEqual({ action: 'Kept', reason: expect.stringContaining('is used by') });
    await two.host.setUp(false);
    expect(await remove(one, 'top.qcow2')).toMatchObject([
      { action: 'Kept', reason: expect.stringContaining('host four is Down') },
    ]);
    for (const name of ['in-domain', 'base', 'top.qcow2']) expect(await one.has(name)).toBe(true);
  });

  test('stay when another file has the name meanwhile, or a row knows the file', async () => {
    const pool = await hosts.add('changed');
    const [id, replaced] = [randomUUID(), 'replaced'];
    for (const name of [id, replaced]) await pool.write(name, 'before');
    await clean(pool);
    await pool.write('new', 'after');
    await rename(join(pool.root, 'new'), join(pool.root, replaced));
    const { id: poolDbId } = await lab.db
      .selectFrom('storage_pool')
      .where('uuid', '=', pool.poolId)
      .select('id')
      .executeTakeFirstOrThrow();
    const template = await lab.db
      .selectFrom('vm_template')
      .where('uuid', '=', await lab.addTemplate())
      .select('id')
      .executeTakeFirstOrThrow();
    await lab.db
      .insertInto('template_spool_ref')
      .values({ uuid: id, pool_id: poolDbId, template_id: template.id, state: 'Failed' })
      .execute();
    expect(byName(await remove(pool, id, replaced))).toMatchObject({
      [id]: { action: 'Kept', reason: expect.stringContaining('that Bypass knows') },
      [replaced]: { action: 'Kept', reason: expect.stringContaining('is another file than') },
    });
    expect((await stat(join(pool.root, replaced))).size).toBe('after'.length);
    expect(await pool.has(id)).toBe(true);
  });
});

if (isFullRun)
  test('upkeep has pools looked at when it is time, unless the zone turns it off', async () => {
    const pool = await hosts.add('due');
    await pool.write('stranger', 'x');
    await lab.startUpkeep();
    await configure('storage.cleanup.enabled', 'false');
    await configure('storage.cleanup.interval', '0');
    // Jobs are done all the same, also those whose request never reached Temporal.
    const second = await hosts.add('second');
    const { accountId, userId } = lab;
    const about = { cmd: 'cleanupStoragePool', instanceType: 'StoragePool', instanceUuid: second.poolId };
    expect((await lab.finished(await createJob(lab.db, { accountId, userId, ...about }))).job_status).toBe(1);
    const looked = () => lab.db.selectFrom('storage_pool').select(['name', 'look_begun']).execute();
    expect((await looked()).every(({ look_begun }) => look_begun === null)).toBe(true);
    await configure('storage.cleanup.enabled', 'true');
    await until(
      'the file is found',
      async () => (await events('STORAGE.POOL.FILE.UNKNOWN', pool.poolId)).length > 0,
    );
    await configure('storage.cleanup.interval', '86400');
  });

if (isFullRun)
  test('a job about a pool that no host can look at ends with the reason', async () => {
    const pool = await hosts.add('away');
    await pool.host.setUp(false);
    expect(await perform(pool, 'cleanupStoragePool')).toMatchObject({
      errortext: expect.stringContaining('has storage pool away mounted'),
    });
  });
