/** `bypass deploy start` for many pools, and `bypass rollout`. */
import { randomUUID } from 'node:crypto';
import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, pools, template, zone } from './fleet.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const MIB = 1024 ** 2;
const ubuntu = template('ubuntu');
const id = randomUUID();

/** A roll-out to 2,000 pools. */
const rollout = (changes: object = {}) => ({
  id,
  templateid: ubuntu.id,
  templatename: 'ubuntu',
  format: 'QCOW2',
  zoneid: zone.id,
  zonename: zone.name,
  selection: 'tag',
  tag: 'ssd',
  state: 'Running',
  atonce: 10,
  total: 2000,
  ready: 500,
  running: 10,
  queued: 1487,
  failed: 3,
  cancelled: 0,
  percent: 25,
  bytes: 500 * 600 * MIB,
  totalbytes: 2000 * 600 * MIB,
  rate: 100 * MIB,
  errors: [{ error: 'the source answers 404', errorkind: 'NotFound', count: 3, storagenames: ['p1', 'p2'] }],
  account: 'admin',
  username: 'ann',
  workflowid: `rollout:${id}`,
  created: '2026-11-24T07:00:00+0000',
  ...changes,
});

let api: ApiServer;
beforeEach(async () => {
  api = await startApi(fleet({ templates: [ubuntu], progress: () => 1 }));
});
afterEach(() => api.close());

const run = (line: string, options?: RunOptions): Promise<Ran> => bypass(api, line.split(' '), options);

test.each([
  ['--cluster rack-1 --at-once 5', { zoneid: zone.id, atonce: '5' }],
  ['--tag ssd', { zoneid: zone.id, tag: 'ssd' }],
  ['--zone zone-1', { zoneid: zone.id }],
  ['--pool local-1,shared --at-once 2', { storageids: `${pools[0].id},${pools[2].id}`, atonce: '2' }],
])('start %s is one call', async (options, sent) => {
  const { code, stderr } = await run(`deploy start ubuntu ${options}`);
  expect(code).toBe(0);
  expect(api.called('prepareTemplate')).toEqual([
    expect.objectContaining({ templateid: ubuntu.id, ...sent }),
  ]);
  expect(stderr).toContain('bypass rollout pause ');
});

test.each([
  ['--pool local-1 --tag ssd', /give pools, or a cluster or a tag/],
  ['--at-once 0', /--at-once takes a whole number of copies/],
])('start %s is refused', async (options, sentence) => {
  const { code, stderr } = await run(`deploy start ubuntu ${options}`);
  expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
});

test('a wait for very many pools shows one bar by bytes, and ends with how many are there and why others are not', async () => {
  let looks = 0;
  api.answer({
    prepareTemplate: () => ({ jobid: id }),
    queryAsyncJobResult: () => ({
      jobid: id,
      jobstatus: looks < 3 ? 0 : 2,
      created: '2026-11-24T07:00:00+0000',
      jobresult: { errorcode: 530, errortext: 'the source answers 404' },
    }),
    listTemplateRollouts: () => {
      looks += 1;
      const over = { state: 'Failed', ready: 1997, running: 0, queued: 0, percent: 99, rate: 0 };
      return { count: 1, templaterollout: [rollout(looks > 3 ? over : {})] };
    },
  });
  const { code, stdout, stderr } = await run('deploy start ubuntu --tag ssd --wait');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /zone-1: 500 of 2000 are there, 3 failed, 10 under way, 1487 wait, 25%, 0\.3\/1\.1 TiB, 100 MiB\/s/,
  );
  expect(stdout).toBe('zone-1: 1997 of 2000 are there, 3 failed\n3 × the source answers 404 (p1, p2, …)\n');
  expect(api.called('listTemplateDeployments')).toEqual([]);
});

/** The answer to a command that changes it. */
const steered = (changes: object) => () => ({ templaterollout: rollout(changes) });

test('a roll-out is listed, shown, paused, resumed and cancelled', async () => {
  api.answer({
    listTemplateRollouts: () => ({ count: 1, templaterollout: [rollout()] }),
    pauseTemplateRollout: steered({ state: 'Paused' }),
    resumeTemplateRollout: steered({}),
    cancelTemplateRollout: steered({ state: 'Cancelled', running: 0, queued: 0, cancelled: 1497 }),
  });
  expect((await run('rollout list --state running')).stdout).toMatch(/ubuntu.*Running.*500 of 2000.*3.*25%/);
  const { stdout } = await run(`rollout show ${id}`);
  expect(stdout).toMatch(/Pools +tag ssd\n[^]*Failures +3 × the source answers 404 \(p1, p2, …\)\n/);
  expect((await run(`rollout pause ${id}`)).stdout).toBe(
    'Paused: 500 of 2000 are there, 3 failed, 10 under way, 1487 wait\n',
  );
  expect((await run(`rollout resume ${id}`)).stdout).toMatch(/^It goes on: /);
  expect((await run(`rollout cancel ${id} --yes`)).stdout).toBe(
    'Cancelled: 500 of 2000 are there, 3 failed, 1497 cancelled\n',
  );
  expect(api.called('cancelTemplateRollout')).toEqual([expect.objectContaining({ id })]);
});
