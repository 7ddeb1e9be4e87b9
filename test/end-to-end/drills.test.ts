/**
 * Disaster drills of docs/operations.md: the database is restored to an earlier moment while hosts and Temporal are as they are
 * now; in the full form, all that Temporal knew is lost then. What upkeep does for it is also in test/workflows/upkeep.test.ts.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UPKEEP_WORKFLOW_ID } from '../../model/names.ts';
import { backUpDatabase } from '../support/database-backup.ts';
import { deferred } from '../support/deferred.ts';
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { Template } from '../../model/api-answers.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const MIB = 1_048_576;
const BODY = rawDisk(MIB);
/** Bytes that may be in the connections of a download that is broken off. */
const IN_FLIGHT = 4 * MIB;

let lab: EndToEnd;
beforeAll(async () => {
  lab = await openEndToEnd({ hosts: 1, ownServers: isFullRun, env: { BYPASS_CONNECTIONS: '1' } });
  await lab.repairSoon();
});
afterAll(() => lab.close());

function registered(path: string, body = BODY): Promise<Template> {
  lab.server.serve(path, { body });
  return lab.register({ url: lab.server.url(path) });
}

async function expectReady(templateId: string, body: Buffer): Promise<void> {
  const [copy] = await lab.deployments({ templateid: templateId });
  expect(copy).toMatchObject({ state: 'Ready' });
  expect((await readFile(join(lab.pool.path, copy?.installpath ?? ''))).equals(body)).toBe(true);
}

const sweeps = async (): Promise<number> =>
  (await lab.db.selectFrom('upkeep_sweep').select('count').executeTakeFirst())?.count ?? 0;

test('a database restored to an earlier moment finds the copies that were published since', async () => {
  const kept = await registered('/kept');
  await lab.deploy(kept.id);
  const later = await registered('/later');
  const gate = deferred();
  const underWay = await registered('/under-way');
  lab.server.serve('/under-way', { body: BODY, hold: () => gate.promise });
  const job = await lab.prepare(underWay.id);
  await until(
    'it downloads',
    async () => (await lab.deployments({ templateid: underWay.id }))[0]?.phase !== undefined,
  );

  const before = await sweeps();
  const backup = await backUpDatabase(lab.databaseUrl);
  gate.resolve();
  expect((await lab.job(job)).jobstatus).toBe(1);
  await lab.deploy(later.id);
  const unknown = await registered('/unknown');
  await lab.deploy(unknown.id);
  await until('upkeep has swept since', async () => (await sweeps()) > before + 1);
  const files = await lab.published();
  const fetched = (path: string): number => lab.server.seen(path).bytes;
  const bytes = { later: fetched('/later'), underWay: fetched('/under-way'), kept: fetched('/kept') };
  await backup.restore();

  await until('the event says so', async () => {
    const events = lab.db.selectFrom('event').where('type', '=', 'DATABASE.RESTORE').select('id').execute();
    // The connections were cut off.
    return (await events.catch(() => [])).length === 1;
  });
  expect((await lab.job(job)).jobstatus).toBe(1);
  expect(await lab.deployments({ templateid: later.id })).toEqual([]);
  expect((await lab.job(await lab.prepare(later.id))).jobstatus).toBe(1);
  for (const image of [kept, later, underWay]) await expectReady(image.id, BODY);
  expect({ later: fetched('/later'), underWay: fetched('/under-way'), kept: fetched('/kept') }).toEqual(
    bytes,
  );
  expect(await lab.published()).toEqual(expect.arrayContaining([...files]));
});

async function loseTemporal(): Promise<void> {
  const body = rawDisk(24 * MIB);
  const gate = deferred();
  const image = await registered('/lost', body);
  lab.server.serve('/lost', { body, hold: (sent) => (sent > 8 * MIB ? gate.promise : undefined) });
  const stays = await registered('/stays');
  await lab.deploy(stays.id);
  const job = await lab.prepare(image.id);
  await until('bytes flow', () => lab.server.seen('/lost').bytes > 8 * MIB);

  lab.freezeSupervisor();
  process.kill(lab.pids().temporal, 'SIGKILL');
  const folder = join(lab.stack.dataDir, 'temporal');
  for (const name of await readdir(folder)) if (name.startsWith('temporal.db')) await rm(join(folder, name));
  lab.resume();
  gate.resolve();

  await until('Temporal is there again, and knows nothing', async () =>
    lab.repairSoon().then(
      () => true,
      () => false,
    ),
  );
  expect((await lab.job(job)).jobstatus).toBe(1);
  await expectReady(image.id, body);
  await expectReady(stays.id, BODY);
  expect(lab.server.seen('/lost').bytes).toBeLessThan(body.length + IN_FLIGHT);
  const next = await registered('/next');
  await lab.deploy(next.id);
  await expectReady(next.id, BODY);
  expect((await lab.temporal.workflow.getHandle(UPKEEP_WORKFLOW_ID).describe()).status.name).toBe('RUNNING');
}

if (isFullRun)
  test(
    "when Temporal's history is lost, downloads go on from their bytes, and everything can go on",
    loseTemporal,
    240_000,
  );
