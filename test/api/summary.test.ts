import { openLab } from './lab.ts';
import type { Json, Lab } from './lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const summary = async (who = lab.admin): Promise<Json> =>
  (await who.ok('getTemplateDeploymentSummary')).templatedeploymentsummary;

test('of nothing: zeros, and an hour of minutes', async () => {
  const { throughput, ...numbers } = await summary();
  expect(numbers).toEqual({ running: 0, waiting: 0, failed: 0, failedlastday: 0, ready: 0, rate: 0 });
  expect(throughput).toHaveLength(60);
  expect(throughput.every(({ rate }: Json) => rate === 0)).toBe(true);
});

test('what ended tries fetched is spread over the minutes that they took', async () => {
  const { template, pool } = await lab.db.transaction().execute(async (tx) => {
    const input = await lab.template(lab.user);
    const row = await tx
      .selectFrom('vm_template')
      .where('uuid', '=', input.templateId)
      .select('id')
      .executeTakeFirstOrThrow();
    const zone = await tx.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
    const storage = await tx
      .insertInto('storage_pool')
      .values({
        uuid: '11111111-1111-4111-8111-111111111111',
        name: 'pool',
        pool_type: 'Filesystem',
        scope: 'HOST',
        data_center_id: zone.id,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { template: row, pool: storage };
  });
  const copy = await lab.db
    .insertInto('template_spool_ref')
    .values({ template_id: template.id, pool_id: pool.id, state: 'Failed', download_state: 'DOWNLOAD_ERROR' })
    .returning('id')
    .executeTakeFirstOrThrow();
  const minute = 60_000;
  const ended = new Date(Math.floor(Date.now() / minute) * minute - 10 * minute);
  const tries = [
    { started: new Date(ended.getTime() - 2 * minute), ended, bytes: 120_000_000 },
    { started: ended, ended, bytes: 60 },
    {
      started: new Date(ended.getTime() - 300 * minute),
      ended: new Date(ended.getTime() - 200 * minute),
      bytes: 9,
    },
  ];
  await lab.db
    .insertInto('download_attempt')
    .values(
      tries.map((one, sequence) => ({
        ...one,
        uuid: '22222222-2222-4222-8222-222222222222',
        copy_id: copy.id,
        host_name: 'host',
        sequence,
        source: 'http://a/b',
      })),
    )
    .execute();
  const { throughput, failed, failedlastday } = await summary(lab.user);
  expect([failed, failedlastday]).toEqual([1, 1]);
  const busy = throughput.filter(({ rate }: Json) => rate > 0).map(({ rate }: Json) => rate as number);
  expect(busy).toEqual([1_000_000, 1_000_000, 1]);
  const others = await summary(lab.other);
  expect([others.failed, others.throughput.some(({ rate }: Json) => rate > 0)]).toEqual([0, false]);
});

test('deployments in the order of what happens: running, failed, then the newest change', async () => {
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
