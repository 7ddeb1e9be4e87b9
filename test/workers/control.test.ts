import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rulesOfHost } from '../../db/hosts/rules.ts';
import { SEARCH_ATTRIBUTES, UPKEEP_WORKFLOW_ID } from '../../model/names.ts';
import { createMasterKey } from '../../trust/master-key.ts';
import { runControl } from '../../workers/control.ts';
import { createLogger } from '../../workers/log.ts';
import { readSettings } from '../../workers/settings.ts';
import type { Flags } from '../../workers/settings.ts';
import { deferred } from '../support/deferred.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { testTemporal, workflowBundle } from '../support/temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let temporal: TestTemporal;
let folder: string;
let given: Flags;

beforeAll(async () => {
  database = await freshDatabase({ empty: true });
  temporal = await testTemporal();
  folder = await mkdtemp(join(tmpdir(), 'bypass-control-'));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  given = {
    databaseUrl: database.url,
    masterKeyFile,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
  };
});
afterAll(async () => {
  await temporal.close();
  await database.close();
  await rm(folder, { recursive: true });
});

async function start(changes: Flags = {}) {
  const stop = deferred();
  const running = runControl({
    settings: readSettings({ ...given, ...changes }, {}),
    logger: createLogger('silent', 'control'),
    stop: stop.promise,
    workflowBundle,
  });
  return {
    running,
    async stop() {
      stop.resolve();
      await running;
    },
  };
}

const upkeepRuns = async (): Promise<boolean> => {
  const { status } = await temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).describe();
  return status.name === 'RUNNING';
};

test('the control worker creates schema and search attributes, starts the upkeep, and stops in order', async () => {
  const { connection, namespace } = temporal;
  await connection.operatorService.removeSearchAttributes({
    namespace,
    searchAttributes: ['State', 'Reason'],
  });
  // Two control workers start at once, as in a rolling upgrade.
  const [one, two] = [await start(), await start()];
  await until('upkeep runs', () => upkeepRuns().catch(() => false));
  expect(await database.db.selectFrom('vm_template').selectAll().execute()).toEqual([]);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...SEARCH_ATTRIBUTES]));
  await until('a look at the hosts', async () => {
    const { raw } = await temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).describe();
    return raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'watchHosts');
  });
  // Two processes publish the endpoints that no URL may lead to: they stay while one of the two runs.
  const parts = [new URL(database.url).host, temporal.address].toSorted();
  expect((await rulesOfHost(database.db, randomUUID())).endpoints).toEqual(parts);
  await one.stop();
  expect((await rulesOfHost(database.db, randomUUID())).endpoints).toEqual(parts);
  await two.stop();
  expect(await upkeepRuns()).toBe(true);
});

test('workflows run without a stack trace for each of their promises, which would take a third of their time', async () => {
  const control = await start();
  try {
    await until('upkeep runs', () => upkeepRuns().catch(() => false));
    const upkeep = temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID);
    expect(await upkeep.query('__stack_trace')).toBe('');
  } finally {
    await control.stop();
  }
});

test('a control worker whose port for checks is taken says so, and what to do', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { running } = await start({ healthPort: String(port) });
  await expect(running).rejects.toThrow(
    `The server of checks and metrics cannot listen: another program listens on 127.0.0.1:${port}: choose another`,
  );
  taken.close();
});

test.each([
  [
    'no database',
    { databaseUrl: 'postgres://u:secret@127.0.0.1:1/none' },
    /PostgreSQL does not answer at 127/,
  ],
  ['no Temporal', { temporalAddress: '127.0.0.1:1' }, /Temporal does not answer at 127\.0\.0\.1:1/],
  ['no master key', { masterKeyFile: '/nowhere/master.key' }, /\/nowhere\/master\.key/],
])('the control worker refuses to start with %s, in a sentence', async (_what, changes, sentence) => {
  const { running } = await start(changes);
  await expect(running).rejects.toThrow(sentence);
  await expect(running).rejects.not.toThrow(/secret/);
});

if (isFullRun)
  test('a namespace that lost everything while a control worker runs gets search attributes and upkeep again', async () => {
    const { connection, namespace } = temporal;
    const control = await start();
    try {
      await until('upkeep runs', () => upkeepRuns().catch(() => false));
      await connection.operatorService.removeSearchAttributes({
        namespace,
        searchAttributes: ['State', 'Reason'],
      });
      await temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).terminate('by the test');
      await until('upkeep runs again', () => upkeepRuns().catch(() => false), 60_000);
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...SEARCH_ATTRIBUTES]));
    } finally {
      await control.stop();
    }
  }, 120_000);
