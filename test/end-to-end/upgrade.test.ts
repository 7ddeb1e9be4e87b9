/**
 * An installation with two apis and two control workers loses one of each, and is then upgraded under load, process by
 * process: nothing is stuck, and nothing is fetched twice. In `npm test` the control workers alone are upgraded; with
 * BYPASS_TEST_FULL=1 the apis and the hosts, too.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { Deployment, Template } from '../../model/api-answers.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { installRelease, NEXT_VERSION } from './releases.ts';
import type { Installed } from './releases.ts';
import { replace } from './replacing.ts';
import { twoOfEverything } from './two-of-everything.ts';

const MIB = 1_048_576;
/** Bytes that a stopping host may have in its connections. */
const IN_FLIGHT = 8 * MIB;
const MAX_JOB_MS = 60_000;

const BIG = rawDisk((isFullRun ? 192 : 96) * MIB);
const SMALL = rawDisk(MIB);
let folder: string;
let installed: Installed;
let lab: EndToEnd;
/** Until then the origin is slow, and throttles some requests. */
let upgraded = false;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-releases-'));
  installed = await installRelease(join(folder, 'bypass'));
  lab = await openEndToEnd({
    hosts: isFullRun ? 3 : 1,
    apis: 2,
    controls: 2,
    command: [process.execPath, installed.program, 'dev'],
    env: { BYPASS_API_CALLS: '0', BYPASS_CONNECTIONS: '1' },
  });
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true });
});

const slowly = (ms: number) => () => (upgraded ? undefined : sleep(ms));
const pool = (name: string) => lab.pools.find((one) => one.name === name) ?? lab.pool;

interface Begun {
  readonly image: Template;
  readonly poolName: string;
  readonly job: string;
  readonly body: Buffer;
}

async function begin(path: string, poolName: string, body = SMALL): Promise<Begun> {
  const image = await lab.register({ url: lab.server.url(path) });
  return { image, poolName, body, job: await lab.prepare(image.id, pool(poolName).id) };
}

/** Starts new work, for any process of either release. */
function beginSmall(path: string, poolName = 'pool1'): Promise<Begun> {
  lab.server.serve(path, { body: SMALL });
  return begin(path, poolName);
}

async function beginSlow(path: string, poolName: string): Promise<Begun> {
  lab.server.serve(path, { body: BIG, hold: slowly(isFullRun ? 60 : 20) });
  const begun = await begin(path, poolName, BIG);
  await until(`${path} is under way`, () => lab.server.seen(path).bytes > 4 * MIB);
  return begun;
}

const copyOf = async ({ image }: Begun): Promise<Deployment | undefined> =>
  (await lab.deployments({ templateid: image.id }))[0];

async function beginWaiting(path: string, poolName: string): Promise<Begun> {
  lab.server.serve(path, { body: SMALL });
  const image = await lab.register({ url: lab.server.url(path) });
  lab.server.serve(path, () =>
    upgraded ? { body: SMALL } : { status: 429, headers: { 'retry-after': '5' } },
  );
  const begun = { image, poolName, body: SMALL, job: await lab.prepare(image.id, pool(poolName).id) };
  await until(`${path} waits`, async () => (await copyOf(begun))?.nexttry !== undefined);
  return begun;
}

async function endsWell(begun: Begun): Promise<void> {
  expect(await lab.job(begun.job, MAX_JOB_MS)).toMatchObject({ jobstatus: 1 });
  const copy = await copyOf(begun);
  expect(copy).toMatchObject({ state: 'Ready' });
  const file = await readFile(join(pool(begun.poolName).path, copy?.installpath ?? ''));
  expect(file.equals(begun.body)).toBe(true);
}

/** Expects no workflow to be stuck; the error names the reason. */
async function allEndWell(works: readonly Begun[], controls: readonly number[]): Promise<void> {
  try {
    for (const begun of works) await endsWell(begun);
  } finally {
    expect(await failedTasks(controls)).toEqual([]);
  }
}

/** @returns the workflow tasks that failed in these control workers, one line each */
async function failedTasks(pids: readonly number[]): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { workflowId, runId } of lab.temporal.workflow.list()) {
    const { events = [] } = await lab.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const { workflowTaskFailedEventAttributes: failed } of events ?? []) {
      if (failed?.identity && pids.includes(Number.parseInt(failed.identity)))
        found.push(`${workflowId}: ${failed.failure?.message ?? ''}`);
    }
  }
  return found;
}

async function replaceControl(): Promise<void> {
  const running = await beginSlow('/running', 'pool1');
  const waiting = await beginWaiting('/waiting', 'pool1');
  await installed.upgrade();
  const controls = [await replace(lab, 'control'), await replace(lab, 'control2')];
  const after = await beginSmall('/after');
  upgraded = true;
  await allEndWell([running, waiting, after], controls);
  expect(lab.server.seen('/running').bytes).toBeLessThan(BIG.length + MIB);
}

async function replaceEverything(): Promise<void> {
  const doomed = await beginSmall('/doomed', 'pool3');
  await endsWell(doomed);
  const works = [
    await beginSlow('/on-1', 'pool1'),
    await beginSlow('/on-2', 'pool2'),
    await beginWaiting('/waiting', 'pool1'),
  ];
  lab.freezeHost('host3');
  const { jobid: deletion } = await lab.call<{ readonly jobid: string }>('deleteTemplate', {
    id: doomed.image.id,
  });
  lab.server.serve('/checked', { body: SMALL, pieceBytes: 512, hold: slowly(250) });
  const registering = lab.register({ url: lab.server.url('/checked') });
  await until('a host looks at it', () => lab.server.seen('/checked').bytes > 0);

  await installed.upgrade();
  const controls = [await replace(lab, 'control')];
  works.push(await beginSmall('/one-of-two'));
  controls.push(await replace(lab, 'control2'));
  works.push(await beginSmall('/before-the-apis'));
  const checked = await registering;
  for (const api of ['api', 'api2'] as const) {
    await replace(lab, api);
    works.push(await beginSmall(`/after-${api}`));
  }
  expect(await lab.call('listCapabilities')).toMatchObject({ capability: { bypassversion: NEXT_VERSION } });
  works.push(await beginSmall('/before-the-hosts', 'pool2'));
  for (const host of ['host1', 'host2'] as const) {
    await replace(lab, host);
    works.push(await beginSmall(`/after-${host}`));
  }
  lab.resume();
  await replace(lab, 'host3');
  upgraded = true;
  await allEndWell(works, controls);
  await until('the registration is ready', async () => (await lab.templates({ id: checked.id }))[0]?.isready);
  expect(await lab.job(deletion)).toMatchObject({ jobstatus: 1, jobresult: { success: true } });
  for (const begun of works.slice(0, 2)) expect((await copyOf(begun))?.attempts).toHaveLength(2);
  for (const path of ['/on-1', '/on-2'])
    expect(lab.server.seen(path).bytes).toBeLessThan(BIG.length + IN_FLIGHT);
  expect(await failedTasks(controls)).toEqual([]);
}

describe('two of everything', () => {
  twoOfEverything(() => lab);
});

if (isFullRun)
  test('each process is replaced by one of the next release, under load', replaceEverything, 300_000);
else test('a control worker of the next release goes on with what runs and what waits', replaceControl);
