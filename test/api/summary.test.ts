import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { recordAttempt } from '../../db/copies/outcomes.ts';
import { countRunning } from '../../db/copies/throughput.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { openLab } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const summary = async (who = lab.admin): Promise<Json> =>
  (await who.ok('getTemplateDeploymentSummary')).templatedeploymentsummary;

test('the summary of an empty installation has zeros, and an hour of minutes', async () => {
  const { throughput, ...numbers } = await summary();
  expect(numbers).toEqual({ running: 0, waiting: 0, failed: 0, failedlastday: 0, ready: 0, rate: 0 });
  expect(throughput).toHaveLength(60);
  expect(throughput.every(({ rate }: Json) => rate === 0)).toBe(true);
});

/** A template of alice's on a pool of its own. */
async function newCopy(state: 'Allocated' | 'Creating' | 'Failed' | 'Ready') {
  const { templateId } = await lab.template(lab.user);
  const template = await lab.db
    .selectFrom('vm_template')
    .where('uuid', '=', templateId)
    .select('id')
    .executeTakeFirstOrThrow();
  const zone = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  const poolId = randomUUID();
  const pool = await lab.db
    .insertInto('storage_pool')
    .values({ uuid: poolId, name: 'pool', pool_type: 'Filesystem', scope: 'HOST', data_center_id: zone.id })
    .returning('id')
    .executeTakeFirstOrThrow();
  await lab.db
    .insertInto('template_spool_ref')
    .values({ template_id: template.id, pool_id: pool.id, state, last_updated: minutesAgo(5) })
    .execute();
  return { templateId, poolId };
}

const MINUTE = 60_000;
const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * MINUTE);

type Span = readonly [from: Date, to: Date, bytes: number];
const tried = (...spans: readonly Span[]) => ({
  attemptId: randomUUID(),
  hostId: randomUUID(),
  hostName: 'host',
  tries: spans.map(([from, to, bytes]) => ({
    source: 'http://a/b',
    startedAt: from.toISOString(),
    endedAt: to.toISOString(),
    bytes,
  })),
});

test('the bytes of ended tries are spread over the minutes that they took', async () => {
  const ended = new Date(Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE);
  const before = (minutes: number): Date => new Date(ended.getTime() - minutes * MINUTE);
  const attempt = tried([before(2), ended, 120_000_000], [ended, ended, 60], [before(300), before(200), 9]);
  await recordAttempt(lab.db, await newCopy('Failed'), attempt);
  const { throughput, failed, failedlastday } = await summary(lab.user);
  expect([failed, failedlastday]).toEqual([1, 1]);
  const busy = throughput.filter(({ rate }: Json) => rate > 0).map(({ rate }: Json) => rate as number);
  expect(busy).toEqual([1_000_000, 1_000_000, 1]);
  const others = await summary(lab.other);
  expect([others.failed, others.throughput.some(({ rate }: Json) => rate > 0)]).toEqual([0, false]);
});

/** Bytes per second by minute, of the minutes that were over then. */
const past = async (then: number): Promise<Readonly<Record<string, number>>> => {
  const { throughput } = await summary(lab.user);
  const over = throughput.filter(({ time }: Json) => Date.parse(time as string) + MINUTE <= then);
  return Object.fromEntries(over.slice(-30).map(({ time, rate }: Json) => [time, rate]));
};
const counted = async (): Promise<number> => {
  const sum = lab.db.selectFrom('throughput_sample').select(({ fn }) => fn.sum<string>('bytes').as('sum'));
  return Number((await sum.executeTakeFirstOrThrow()).sum);
};

describe('a running download of changing speed', () => {
  const attempt = tried();
  let copy: { readonly templateId: string; readonly poolId: string };
  let began: number;
  beforeAll(async () => {
    await sql`truncate throughput_sample`.execute(lab.db);
    copy = await newCopy('Creating');
    began = minutesAgo(5).getTime();
  });
  afterAll(() => lab.orchestration.copies.clear());

  const fetchOf = (bytes: number) => ({ attemptId: attempt.attemptId, bytes, begun: new Date(began) });
  /** Sets the progress that its next heartbeats report. */
  const fetched = (bytes: number): void => {
    const workflowId = copyWorkflowId(copy.templateId, copy.poolId);
    lab.orchestration.copies.set(workflowId, {
      workflowId,
      runId: 'run',
      type: 'deployment',
      attempt: 1,
      progress: {
        v: 1,
        phase: 'downloading',
        bytes,
        total: 1e10,
        fetched: bytes,
        rate: 1,
        source: 'http://a/b',
      },
      fetch: fetchOf(bytes),
    });
  };
  const count = (bytes: number) => countRunning(lab.db, [{ ...fetchOf(bytes), templateId: copy.templateId }]);
  test('leaves past minutes unchanged', async () => {
    fetched(60_000_000);
    const then = Date.now();
    await count(60_000_000);
    const before = await past(then);
    expect(Object.values(before).filter((rate) => rate > 0).length).toBeGreaterThanOrEqual(4);
    fetched(6_000_000_000);
    expect(await past(then)).toEqual(before);
    await count(6_000_000_000);
    expect(await past(then)).toEqual(before);
    expect(await counted()).toBe(6_000_000_000);
    began = minutesAgo(50).getTime();
    fetched(6_000_000_000);
    expect(await past(then)).toEqual(before);
  });

  test('spreads bytes that arrived between two counts over the time between them, once', async () => {
    const before = await past(Date.now());
    await sql`update counted_attempt set counted = now() - interval '20 minutes'
      where attempt = ${attempt.attemptId}`.execute(lab.db);
    fetched(6_001_200_000);
    const then = Date.now();
    await Promise.all([count(6_001_200_000), count(6_001_200_000)]);
    const after = await past(then);
    const grown = Object.entries(after).filter(([time, rate]) => rate > (before[time] ?? 0));
    expect(grown.length).toBeGreaterThanOrEqual(19);
    expect(await counted()).toBe(6_001_200_000);
    fetched(7_000_000_000);
    await count(7_000_000_000);
    expect(await past(then)).toEqual(after);
  });

  test('counts exactly its bytes when it has ended, however often that is reported', async () => {
    const then = Date.now();
    await count(7_000_000_000);
    const before = await past(then);
    const ended = {
      ...attempt,
      tries: tried([minutesAgo(50), minutesAgo(1), 5e9], [minutesAgo(1), minutesAgo(0), 4e9]).tries,
    };
    await recordAttempt(lab.db, copy, ended);
    await recordAttempt(lab.db, copy, ended);
    // A count that was read before the download ended is written after its end.
    await count(8_000_000_000);
    lab.orchestration.copies.clear();
    expect(await counted()).toBe(9_000_000_000);
    expect(await past(then)).toEqual(before);
    await sql`delete from template_spool_ref where state = 'Creating'`.execute(lab.db);
    expect(await past(then)).toEqual(before);
  });
});

test('deployments are ordered by state: running, failed, then by the newest change', async () => {
  const first = await lab.db.selectFrom('template_spool_ref').select(['pool_id']).executeTakeFirstOrThrow();
  const { templateId } = await lab.template(lab.other);
  const template = await lab.db
    .selectFrom('vm_template')
    .where('uuid', '=', templateId)
    .select('id')
    .executeTakeFirstOrThrow();
  await lab.db
    .insertInto('template_spool_ref')
    .values({ ...first, template_id: template.id, state: 'Creating', download_state: 'DOWNLOAD_IN_PROGRESS' })
    .execute();
  const states = async (orderby: string): Promise<readonly string[]> =>
    (await lab.admin.ok('listTemplateDeployments', { orderby })).templatedeployment.map(
      ({ state }: Json) => state as string,
    );
  expect(await states('created')).toEqual(['Failed', 'Creating']);
  expect(await states('activity')).toEqual(['Creating', 'Failed']);
});

test('each number of the summary is that of the list of its state', async () => {
  for (const state of ['Allocated', 'Creating', 'Creating', 'Ready', 'Ready', 'Ready'] as const)
    await newCopy(state);
  for (const caller of [lab.admin, lab.user]) {
    const listed = async (state: string): Promise<number> =>
      (await caller.ok('listTemplateDeployments', { state })).count ?? 0;
    const { running, waiting, failed, ready } = await summary(caller);
    expect(ready).toBe(3);
    expect({ Creating: running + waiting, Failed: failed, Ready: ready }).toEqual({
      Creating: await listed('Creating'),
      Failed: await listed('Failed'),
      Ready: await listed('Ready'),
    });
  }
});

test('lists are ordered by the requested column, ascending or descending', async () => {
  const accounts = await namesBy('listAccounts', 'account', { orderby: 'name' });
  expect(accounts.length).toBeGreaterThan(1);
  expect(accounts).toEqual(accounts.toSorted());
  expect(await namesBy('listAccounts', 'account', { orderby: 'name', order: 'desc' })).toEqual(
    accounts.toReversed(),
  );
  for (const [command, key, orderby] of [
    ['listTemplates', 'template', 'size'],
    ['listTemplateDeployments', 'templatedeployment', 'pool'],
    ['listHosts', 'host', 'cluster'],
  ] as const) {
    const values = { templatefilter: 'all', orderby };
    const up = await namesBy(command, key, values);
    expect(new Set(await namesBy(command, key, { ...values, order: 'desc' }))).toEqual(new Set(up));
  }
  await expect(lab.admin.ok('listHosts', { orderby: 'password' })).rejects.toThrow(/orderby/);
});

async function namesBy(
  command: string,
  key: string,
  values: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const rows = (
    (await lab.admin.ok(command, values)) as Readonly<Record<string, readonly Json[] | undefined>>
  )[key];
  return (rows ?? []).map((row) => String(row['name'] ?? row['templatename']));
}
