/** prepareTemplate for many pools, and the commands about the roll-outs that it makes. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { copyWorkflowId, rolloutWorkflowId } from '../../model/names.ts';
import { addHost, deploy, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab, Parameters, TestHost } from '../labs/api.ts';
import { eventTypesOf, refusal } from '../support/calls.ts';
import { settle } from '../support/settle.ts';

let lab: Lab;
let host: TestHost;
const pools = {
  fast: poolReport('fast'),
  slow: poolReport('slow'),
  shared: poolReport('shared', { scope: 'ZONE', type: 'NetworkFilesystem' }),
};
let clusterid: string;

beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-1', pools: Object.values(pools) });
  clusterid = (await lab.admin.ok('listClusters')).cluster[0].id as string;
  for (const { id } of [pools.fast, pools.shared])
    await lab.db
      .updateTable('storage_pool')
      .set({ tags: ['ssd'] })
      .where('uuid', '=', id)
      .execute();
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const newTemplate = async (): Promise<string> => (await lab.template(lab.user)).templateId;

const prepare = (templateid: string, more: Parameters = {}) =>
  lab.admin.ok('prepareTemplate', { templateid, zoneid: lab.zone.uuid, ...more }, { post: true });

const rollout = async (id: string): Promise<Json> =>
  (await lab.admin.ok('listTemplateRollouts', { id })).templaterollout[0];

const poolsOfJob = async (jobid: string): Promise<readonly string[]> => {
  const rows = await lab.db
    .selectFrom('async_job_copy')
    .innerJoin('async_job', 'async_job.id', 'async_job_copy.job_id')
    .innerJoin('storage_pool', 'storage_pool.uuid', 'async_job_copy.pool_uuid')
    .where('async_job.uuid', '=', jobid)
    .select('storage_pool.name')
    .execute();
  return rows.map(({ name }) => name).toSorted();
};

/** As the copy's workflow does at its end. */
const settleOn = (templateId: string, pool: { readonly id: string }, text?: string): Promise<void> =>
  settle(
    lab.db,
    { templateId, poolId: pool.id },
    text === undefined ? undefined : { code: 530, text, kind: 'NotFound' },
  );

test.each<[string, () => Parameters, readonly string[], Json]>([
  ['the zone', () => ({}), ['fast', 'shared', 'slow'], { selection: 'zone' }],
  ['a cluster', () => ({ clusterid }), ['fast', 'slow'], { selection: 'cluster', clustername: 'cluster1' }],
  ['a tag', () => ({ tag: 'ssd' }), ['fast', 'shared'], { selection: 'tag', tag: 'ssd' }],
  [
    'a tag in a cluster',
    () => ({ tag: 'ssd', clusterid }),
    ['fast'],
    { selection: 'tag', tag: 'ssd', clustername: 'cluster1' },
  ],
  [
    'a list',
    () => ({ storageids: [pools.slow, pools.shared].map(({ id }) => id).join(',') }),
    ['shared', 'slow'],
    { selection: 'pools' },
  ],
])('the pools of %s are chosen', async (_what, more, names, shown) => {
  const templateid = await newTemplate();
  const { jobid } = await prepare(templateid, { ...more(), atonce: 2 });
  expect(await poolsOfJob(jobid)).toEqual(names);
  expect(await rollout(jobid)).toMatchObject({
    id: jobid,
    templateid,
    templatename: 'debian',
    zonename: 'zone1',
    state: 'Running',
    atonce: 2,
    total: names.length,
    queued: names.length,
    ready: 0,
    running: 0,
    failed: 0,
    cancelled: 0,
    percent: 0,
    bytes: 0,
    totalbytes: names.length * 1_000_000,
    username: 'root',
    workflowid: rolloutWorkflowId(jobid),
    ...shown,
  });
  expect(lab.orchestration.of('requestRollout')).toMatchObject([{ jobId: jobid }]);
});

test.each<[string, () => Parameters, number, RegExp]>([
  [
    'one pool beside a tag',
    () => ({ storageid: pools.fast.id, tag: 'ssd' }),
    431,
    /storageid is given beside tag/,
  ],
  [
    'one pool with a number',
    () => ({ storageid: pools.fast.id, atonce: 2 }),
    431,
    /storageid is given beside atonce/,
  ],
  [
    'a list beside a cluster',
    () => ({ storageids: pools.fast.id, clusterid }),
    431,
    /storageids is given beside clusterid/,
  ],
  [
    'a list with an unknown pool',
    () => ({ storageids: `${pools.fast.id},${randomUUID()}` }),
    431,
    /storageids/,
  ],
  ['an empty list', () => ({ storageids: '' }), 431, /storageids is empty/],
  ['a tag that no pool has', () => ({ tag: 'tape' }), 533, /has no pool with the tag 'tape'/],
  ['none at once', () => ({ atonce: 0 }), 431, /from 1 to/],
])('refuses %s', async (_what, more, code, sentence) => {
  const given = { templateid: await newTemplate(), zoneid: lab.zone.uuid, ...more() };
  const [status, text] = await refusal(lab.admin, 'prepareTemplate', given);
  expect([status, text]).toEqual([code, expect.stringMatching(sentence)]);
  expect(lab.orchestration.asked).toEqual([]);
});

test('2,000 pools are one call: one job, and one request to Temporal that names none of them', async () => {
  const { rows } = await sql<{ uuid: string }>`
    with made as (
      insert into storage_pool (uuid, name, pool_type, scope, data_center_id)
      select gen_random_uuid(), 'many-' || n, 'NetworkFilesystem', 'ZONE', ${lab.zone.id} from generate_series(1, 2000) n
      returning id, uuid),
    mounted as (
      insert into storage_pool_host_ref (pool_id, host_id, local_path, mounted)
      select made.id, host.id, '/pools/' || made.id, true from made, host)
    select uuid from made`.execute(lab.db);
  try {
    const { jobid } = await prepare(await newTemplate(), {
      storageids: rows.map(({ uuid }) => uuid).join(','),
    });
    expect(await rollout(jobid)).toMatchObject({ total: 2000, queued: 2000 });
    expect(JSON.stringify(lab.orchestration.of('requestRollout')).length).toBeLessThan(300);
    const [event] = (await lab.admin.ok('listEvents', { type: 'TEMPLATE.PREPARE', pagesize: 500, page: 1 }))
      .event as Json[];
    expect(event.description).toBe("Template 'debian' is to be deployed to 2000 pools of zone 'zone1'");
  } finally {
    await lab.db.deleteFrom('storage_pool').where('name', 'like', 'many-%').execute();
  }
});

test('progress is counted by bytes, over all copies', async () => {
  const templateId = await newTemplate();
  await deploy(lab, { templateId, poolId: pools.fast.id }, { host, pool: pools.fast });
  const { jobid } = await prepare(templateId);
  await lab.db
    .updateTable('async_job_copy')
    .set({ turn: 'begun', begun: new Date() })
    .where('template_uuid', '=', templateId)
    .where('pool_uuid', '=', pools.slow.id)
    .execute();
  const progress = {
    v: 1,
    phase: 'downloading',
    bytes: 500_000,
    total: 1_000_000,
    rate: 7,
    source: '',
  } as const;
  const workflowId = copyWorkflowId(templateId, pools.slow.id);
  lab.orchestration.copies.set(workflowId, {
    workflowId,
    runId: 'r',
    type: 'deployment',
    attempt: 1,
    progress,
  });
  expect(await rollout(jobid)).toMatchObject({
    ready: 1,
    running: 1,
    queued: 1,
    bytes: 1_500_000,
    totalbytes: 3_000_000,
    percent: 50,
    rate: 7,
  });
  const begun = await lab.admin.ok('listTemplateDeployments', { rolloutid: jobid });
  expect(begun.templatedeployment.map(({ storagename }: Json) => storagename as string)).toEqual(['fast']);
});

test('a roll-out whose copies are all there is done to the last percent', async () => {
  const templateId = await newTemplate();
  const { jobid } = await prepare(templateId);
  for (const pool of [pools.fast, pools.slow]) await settleOn(templateId, pool);
  expect((await rollout(jobid)).percent).toBeLessThan(100);
  await settleOn(templateId, pools.shared);
  expect(await rollout(jobid)).toMatchObject({ state: 'Completed', ready: 3, percent: 100 });
});

test('a roll-out ends with how many copies are there, and why others are not, each reason once', async () => {
  const templateId = await newTemplate();
  const { jobid } = await prepare(templateId);
  for (const pool of [pools.fast, pools.slow]) await settleOn(templateId, pool, 'the source answers 404');
  await settleOn(templateId, pools.shared);
  const errors = [
    { error: 'the source answers 404', errorkind: 'NotFound', count: 2, storagenames: ['fast', 'slow'] },
  ];
  expect(await rollout(jobid)).toMatchObject({ state: 'Failed', ready: 1, failed: 2, errors });
  expect(await lab.admin.ok('queryAsyncJobResult', { jobid })).toMatchObject({
    jobstatus: 2,
    jobresult: {
      errorcode: 530,
      errortext: 'the source answers 404',
      errorkind: 'NotFound',
      templaterollout: { id: jobid, total: 3, ready: 1, failed: 2, cancelled: 0, errors },
    },
  });
});

test('a roll-out is paused, resumed and cancelled, each with an event', async () => {
  const templateid = await newTemplate();
  const { jobid: id } = await prepare(templateid);
  lab.orchestration.forget();
  const steer = async (what: string): Promise<Json> =>
    (await lab.admin.ok(`${what}TemplateRollout`, { id })).templaterollout;
  expect((await steer('pause')).state).toBe('Paused');
  expect(await refusal(lab.admin, 'pauseTemplateRollout', { id })).toEqual([
    431,
    'The roll-out is Paused, and cannot be paused.',
  ]);
  expect((await steer('resume')).state).toBe('Running');
  expect(await steer('cancel')).toMatchObject({ state: 'Cancelled', cancelled: 3, cancelledby: 'root' });
  expect(await refusal(lab.admin, 'resumeTemplateRollout', { id })).toEqual([
    431,
    'The roll-out is Cancelled, and cannot be resumed.',
  ]);
  expect(lab.orchestration.of('requestRollout')).toHaveLength(3);
  expect(await eventTypesOf(lab, templateid)).toEqual(
    expect.arrayContaining([
      'TEMPLATE.ROLLOUT.CANCEL',
      'TEMPLATE.ROLLOUT.RESUME',
      'TEMPLATE.ROLLOUT.PAUSE',
      'TEMPLATE.PREPARE',
    ]),
  );
  const cancelled = await lab.admin.ok('listTemplateRollouts', { state: 'Cancelled', templateid });
  expect(cancelled.templaterollout).toHaveLength(1);
  expect(await lab.admin.ok('listTemplateRollouts', { state: 'Running', templateid })).toEqual({});
});

test('roll-outs are for administrators', async () => {
  const { jobid: id } = await prepare(await newTemplate());
  const commands = [
    'listTemplateRollouts',
    'pauseTemplateRollout',
    'resumeTemplateRollout',
    'cancelTemplateRollout',
  ];
  for (const command of commands) expect((await refusal(lab.user, command, { id }))[0]).toBe(401);
  expect((await refusal(lab.user, 'listTemplateDeployments', { rolloutid: id }))[0]).toBe(431);
});
