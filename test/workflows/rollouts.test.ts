/** Roll-outs, on a real control worker; a scripted host has all pools. */
import { Context } from '@temporalio/activity';
import { setConfiguration } from '../../db/zones/configurations.ts';
import { cancelRollout, changeRollout } from '../../db/rollouts/rollouts.ts';
import { copyWorkflowId, ENDED_SIGNAL } from '../../model/names.ts';
import { openControlLab, QUICK_TIMING } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { addFleet, rollOut, rolloutHandle, rolloutRow, rolloutShows, wake } from '../labs/rollouts.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  // All pools are reported once, by `addFleet`.
  lab = await openControlLab({ timing: { ...QUICK_TIMING, reportFreshMs: 3_600_000 } });
});
afterEach(() => lab.removeHosts());
afterAll(() => lab.close());

const zoneDbId = async (): Promise<number> => {
  const { id } = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  return id;
};

const setLimit = async (name: 'zone' | 'origin', value: number | undefined): Promise<void> =>
  setConfiguration(
    lab.db,
    `template.rollout.max.per.${name}`,
    value === undefined ? undefined : String(value),
    await zoneDbId(),
  );

const POOLS = isFullRun ? 2000 : 12;

afterEach(async () => {
  for (const name of ['zone', 'origin'] as const) await setLimit(name, undefined);
});

test('the step that records a copy tells its roll-out, which takes no further trip of the deployment', async () => {
  const { poolIds } = await addFleet(lab, { name: 'told', pools: 2, held: false });
  const templateId = await lab.addTemplate();
  // The second one waits for its turn until the first one has ended, and for no timer.
  const jobId = await rollOut(lab, templateId, poolIds, { atOnce: 1 });
  expect((await lab.finished(jobId)).job_status).toBe(1);
  for (const poolId of poolIds) {
    const handle = lab.temporal.client.workflow.getHandle(copyWorkflowId(templateId, poolId));
    await handle.result();
    const { events = [] } = await handle.fetchHistory();
    expect(events?.filter((one) => one.signalExternalWorkflowExecutionInitiatedEventAttributes)).toEqual([]);
    expect(events?.filter((one) => one.workflowTaskCompletedEventAttributes)).toHaveLength(2);
  }
});

test('copies that end one after the other let the next ones begin, without a signal to the roll-out for each', async () => {
  const fleet = await addFleet(lab, { name: 'one-by-one', pools: 6, held: true });
  const jobId = await rollOut(lab, await lab.addTemplate(), fleet.poolIds, { atOnce: 2 });
  for (const [index, poolId] of fleet.poolIds.entries()) {
    await until('it is under way', () => fleet.running.has(poolId));
    const next = fleet.poolIds[index + 1];
    if (next !== undefined) await until('and the next one', () => fleet.running.has(next));
    fleet.release(poolId);
  }
  const handle = rolloutHandle(lab, jobId);
  expect(await handle.result()).toMatchObject({ ready: 6 });
  const { events } = await handle.fetchHistory();
  const signals = events?.filter(
    (one) => one.workflowExecutionSignaledEventAttributes?.signalName === ENDED_SIGNAL,
  );
  // Its end alone may be told.
  expect(signals?.length).toBeLessThanOrEqual(1);
});

test('a roll-out goes on to its end although whoever was to begin its copies was lost, and so is the signal of its end', async () => {
  const requestDeployment = lab.orchestration.requestDeployment.bind(lab.orchestration);
  let requests = 0;
  // The roll-out itself begins the first two; the step that records the end of one of them fails to begin the third.
  const failing = jest.spyOn(lab.orchestration, 'requestDeployment').mockImplementation((...request) => {
    requests += 1;
    return requests === 3 ? Promise.reject(new Error('lost')) : requestDeployment(...request);
  });
  const losing = jest.spyOn(lab.orchestration, 'signalEnded').mockResolvedValue();
  try {
    const fleet = await addFleet(lab, { name: 'lost', pools: 6, held: false });
    const jobId = await rollOut(lab, await lab.addTemplate(), fleet.poolIds, { atOnce: 2 });
    expect(await rolloutHandle(lab, jobId).result()).toMatchObject({ ready: 6 });
    expect(requests).toBeGreaterThan(6);
  } finally {
    failing.mockRestore();
    losing.mockRestore();
  }
});

test('a copy that begins in the moment in which its roll-out is cancelled is stopped', async () => {
  const fleet = await addFleet(lab, { name: 'late', pools: 2, held: true });
  const [first = '', second = ''] = fleet.poolIds;
  const templateId = await lab.addTemplate();
  const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
  await until('the first is under way', () => fleet.running.has(first));
  const requestDeployment = lab.orchestration.requestDeployment.bind(lab.orchestration);
  let begun = false;
  const late = jest.spyOn(lab.orchestration, 'requestDeployment').mockImplementation(async (...request) => {
    await cancelRollout(lab.db, jobId, 'admin');
    await wake(lab, jobId, templateId);
    // A look that begins it would wait for itself.
    if (Context.current().info.activityType === 'finishCopy') await rolloutHandle(lab, jobId).result();
    await requestDeployment(...request);
    begun = true;
  });
  try {
    fleet.release(first);
    const copy = { templateId, poolId: second };
    await until('the second was begun', () => begun);
    expect(await lab.workflow(copy).result()).toMatchObject({ outcome: 'cancelled', cancelledBy: 'admin' });
  } finally {
    late.mockRestore();
  }
});

test(`brings a template onto ${POOLS} pools by one call, some at a time, and the job says how many are there`, async () => {
  const fleet = await addFleet(lab, { name: 'many', pools: POOLS, held: true });
  const templateId = await lab.addTemplate();
  const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 6 });
  await until('as many as may run at once do', () => fleet.running.size === 6);
  fleet.releaseAll();
  const handle = rolloutHandle(lab, jobId);
  const lengths: number[] = [];
  await until(
    'all copies are there',
    async () => {
      lengths.push((await handle.describe()).historyLength);
      return (await rolloutRow(lab, jobId)).completed !== null;
    },
    1_800_000,
  );
  const job = await lab.finished(jobId);
  expect(job.job_status).toBe(1);
  expect(job.job_result).toMatchObject({
    success: true,
    templaterollout: { id: jobId, total: POOLS, ready: POOLS, failed: 0, cancelled: 0, errors: [] },
  });
  const { templatedeployment } = job.job_result as { templatedeployment: unknown[] };
  expect(templatedeployment).toHaveLength(Math.min(POOLS, 500));
  expect(fleet.host.jobs).toHaveLength(POOLS);
  expect(fleet.mostRunning()).toBe(6);
  expect(new Set(fleet.host.jobs.map(({ priority }) => priority))).toEqual(new Set([5]));
  expect(await handle.result()).toEqual({ v: 1, total: POOLS, ready: POOLS, failed: 0, cancelled: 0 });
  // The list of the pools is in the database, so that neither payloads nor histories grow with it.
  expect(Math.max(...lengths)).toBeLessThan(10_000);
  const { events } = await handle.fetchHistory();
  const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
  expect(input?.length).toBeLessThan(500);
  const row = await rolloutRow(lab, jobId);
  expect(row).toMatchObject({ shown_state: 'Completed', ready: POOLS, running: 0, queued: 0 });
  const told = await lab.db.selectFrom('event').where('once', '=', `rollout:${jobId}`).selectAll().execute();
  expect(told).toMatchObject([
    {
      type: 'TEMPLATE.ROLLOUT',
      description: `The roll-out of template 'debian' in zone 'zone-1' has ended: of ${POOLS} copies, ${POOLS} are there`,
    },
  ]);
}, 1_900_000);

const LIMITS = [
  ['origin', 'zone'],
  ['zone', 'origin'],
] as const;

test.each(casesOfForm(LIMITS))(
  'roll-outs bring at most so many copies of a %s at a time, all together',
  async (limited, other) => {
    await setLimit(limited, 3);
    await setLimit(other, 0);
    const [one, two] = [
      await addFleet(lab, { name: `one-${limited}`, pools: 4, held: true }),
      await addFleet(lab, { name: `two-${limited}`, pools: 4, held: true }),
    ];
    const [first, second, elsewhere] = [
      await lab.addTemplate(),
      await lab.addTemplate(),
      await lab.addTemplate(),
    ];
    await lab.db
      .updateTable('vm_template')
      .set({ url: 'https://elsewhere.test:8443/debian.qcow2' })
      .where('uuid', '=', elsewhere)
      .execute();
    const [a, b] = [await rollOut(lab, first, one.poolIds), await rollOut(lab, second, two.poolIds)];
    await until('three run', () => one.running.size + two.running.size === 3);
    const c = await rollOut(lab, elsewhere, two.poolIds);
    if (limited === 'origin') await rolloutShows(lab, c, { running: 3, queued: 1 });
    else await rolloutShows(lab, c, { running: 0, queued: 4 });
    const [{ running: ofFirst }, { running: ofSecond }] = [
      await rolloutRow(lab, a),
      await rolloutRow(lab, b),
    ];
    expect(ofFirst + ofSecond).toBe(3);
    one.releaseAll();
    two.releaseAll();
    for (const jobId of [a, b, c]) expect((await lab.finished(jobId)).job_status).toBe(1);
    expect(one.mostRunning()).toBeLessThanOrEqual(3);
  },
);

test('what a virtual machine needs goes first: it takes no turn, and roll-outs make room for it', async () => {
  await setLimit('zone', 1);
  const fleet = await addFleet(lab, { name: 'needed', pools: 3, held: true });
  const [first, second, last] = fleet.poolIds as [string, string, string];
  const templateId = await lab.addTemplate();
  const jobId = await rollOut(lab, templateId, fleet.poolIds);
  await until('the first one runs', () => fleet.running.has(first));
  // As a machine does (activities/control/vm-starts.ts).
  const needed = { templateId, poolId: last };
  const need = await lab.prepare(needed);
  await lab.orchestration.requestDeployment(needed, { priority: 1 });
  await until('what is needed runs', () => fleet.running.has(last));
  expect(fleet.running.get(first)?.priority).toBe(5);
  expect([...fleet.running.keys()].toSorted()).toEqual([first, last].toSorted());
  fleet.release(first);
  await rolloutShows(lab, jobId, { ready: 1 });
  const lengthOf = async (): Promise<number> => (await rolloutHandle(lab, jobId).describe()).historyLength;
  const before = await lengthOf();
  await wake(lab, jobId, templateId);
  // A look is a signal, a workflow task, an activity within it, and the next timer. The machine's download has the one place.
  await until('the roll-out looks again', async () => (await lengthOf()) >= before + 7);
  expect(fleet.running.has(second)).toBe(false);
  fleet.release(last);
  expect((await lab.finished(need)).job_status).toBe(1);
  await until('the roll-out goes on', () => fleet.running.has(second));
  fleet.release(second);
  expect(await lab.finished(jobId)).toMatchObject({ job_result: { templaterollout: { ready: 3 } } });
  expect(fleet.host.jobs).toHaveLength(3);
});

test('a roll-out is paused and resumed: copies under way go on, and no others begin', async () => {
  const fleet = await addFleet(lab, { name: 'paused', pools: 4, held: true });
  const [first] = fleet.poolIds as [string];
  const templateId = await lab.addTemplate();
  const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 2 });
  await rolloutShows(lab, jobId, { running: 2, queued: 2 });
  await until('two run', () => fleet.running.size === 2);
  expect(await changeRollout(lab.db, jobId, { from: 'Running', to: 'Paused' })).toBe(true);
  expect(await changeRollout(lab.db, jobId, { from: 'Running', to: 'Paused' })).toBe(false);
  await wake(lab, jobId, templateId);
  fleet.release(first);
  await rolloutShows(lab, jobId, { shown_state: 'Paused', ready: 1, running: 1, queued: 2 });
  await until('its workflow says so', async () => {
    const { raw } = await rolloutHandle(lab, jobId).describe();
    const state = raw.workflowExecutionInfo?.searchAttributes?.indexedFields?.['State']?.data;
    return Buffer.from(state ?? []).toString() === '"Paused"';
  });
  expect(fleet.host.jobs).toHaveLength(2);
  expect(await changeRollout(lab.db, jobId, { from: 'Paused', to: 'Running' })).toBe(true);
  await wake(lab, jobId, templateId);
  await rolloutShows(lab, jobId, { running: 2, queued: 1 });
  fleet.releaseAll();
  expect((await lab.finished(jobId)).job_status).toBe(1);
});

test('a cancelled roll-out stops what nobody else waits for, keeps its bytes, and begins nothing more', async () => {
  const fleet = await addFleet(lab, { name: 'cancelled', pools: 4, held: true });
  const [there, shared, own, never] = fleet.poolIds as [string, string, string, string];
  const templateId = await lab.addTemplate();
  fleet.release(there);
  const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 2 });
  await rolloutShows(lab, jobId, { ready: 1, running: 2, queued: 1 });
  await until('two run', () => fleet.running.has(shared) && fleet.running.has(own));
  const other = await lab.prepare({ templateId, poolId: shared });
  expect(await cancelRollout(lab.db, jobId, 'ann')).toBe(true);
  expect(await cancelRollout(lab.db, jobId, 'bob')).toBe(false);
  await wake(lab, jobId, templateId);
  const text = 'The roll-out was cancelled by ann';
  expect(await lab.finished(jobId)).toMatchObject({
    job_status: 2,
    job_result: {
      errortext: text,
      templaterollout: {
        total: 4,
        ready: 1,
        failed: 0,
        cancelled: 3,
        errors: [{ error: text, errorkind: 'Cancelled', count: 3 }],
      },
    },
  });
  await rolloutHandle(lab, jobId).result();
  await lab.copyEnded({ templateId, poolId: own });
  expect(await lab.copy({ templateId, poolId: own })).toMatchObject({
    state: 'Allocated',
    download_state: 'NOT_DOWNLOADED',
    cancelled_by: 'ann',
  });
  expect(await lab.copy({ templateId, poolId: never })).toBeUndefined();
  expect([...fleet.running.keys()]).toEqual([shared]);
  fleet.release(shared);
  expect((await lab.finished(other)).job_status).toBe(1);
  expect((await rolloutRow(lab, jobId)).shown_state).toBe('Cancelled');
});

test('a copy that fails stops no other, and is told with its reason; others survive a restart of the control worker', async () => {
  const fleet = await addFleet(lab, { name: 'failing', pools: 5, held: true });
  const [bad, worse] = fleet.poolIds as [string, string];
  const templateId = await lab.addTemplate();
  for (const poolId of [bad, worse])
    fleet.fail(poolId, { kind: 'NotFound', message: 'answers 404 Not Found' });
  const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 2 });
  await rolloutShows(lab, jobId, { failed: 2, running: 2, queued: 1 });
  await lab.restartControl();
  fleet.releaseAll();
  const job = await lab.finished(jobId);
  expect(job).toMatchObject({
    job_status: 2,
    job_result: {
      errors: [{ text: expect.stringContaining('404'), kind: 'NotFound' }],
      templaterollout: {
        total: 5,
        ready: 3,
        failed: 2,
        errors: [
          {
            error: expect.stringContaining('404'),
            errorkind: 'NotFound',
            count: 2,
            storagenames: ['failing-0000', 'failing-0001'],
          },
        ],
      },
    },
  });
  expect(fleet.host.jobs).toHaveLength(5);
  expect((await rolloutRow(lab, jobId)).shown_state).toBe('Failed');
});

if (isFullRun) {
  test('what is there already takes no turn', async () => {
    const fleet = await addFleet(lab, { name: 'there', pools: 2, held: false });
    const templateId = await lab.addTemplate();
    await lab.finished(await rollOut(lab, templateId, fleet.poolIds));
    const job = await lab.finished(await rollOut(lab, templateId, fleet.poolIds));
    expect(job).toMatchObject({ job_status: 1, job_result: { templaterollout: { ready: 2 } } });
    expect(fleet.host.jobs).toHaveLength(2);
  });

  test('a pool whose host is away keeps no other from its turn, and gets its own when the host is back', async () => {
    const [away, here] = [
      await addFleet(lab, { name: 'away', pools: 2, held: false }),
      await addFleet(lab, { name: 'here', pools: 2, held: false }),
    ];
    await away.host.setUp(false);
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, [...away.poolIds, ...here.poolIds], { atOnce: 1 });
    await rolloutShows(lab, jobId, { ready: 2, running: 0, queued: 2 });
    await away.host.setUp(true);
    expect((await lab.finished(jobId)).job_status).toBe(1);
  });

  test('a copy that has stalled gives its turn to another', async () => {
    const fleet = await addFleet(lab, { name: 'full', pools: 2, held: false });
    const [full] = fleet.poolIds as [string];
    await lab.db.updateTable('storage_pool').set({ free_bytes: 0 }).where('uuid', '=', full).execute();
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await lab.waiting({ templateId, poolId: full }, /no room/);
    await rolloutShows(lab, jobId, { ready: 0, running: 1, queued: 1 });
    await lab.db
      .updateTable('async_job_copy')
      .set({ begun: new Date(Date.now() - 600_000) })
      .where('pool_uuid', '=', full)
      .execute();
    await rolloutShows(lab, jobId, { ready: 1, running: 1, queued: 0 });
    await lab.db
      .updateTable('storage_pool')
      .set({ free_bytes: 1_000_000 })
      .where('uuid', '=', full)
      .execute();
    expect((await lab.finished(jobId)).job_status).toBe(1);
  });

  test('a roll-out whose workflow was terminated by hand goes on by the upkeep', async () => {
    const fleet = await addFleet(lab, { name: 'terminated', pools: 3, held: true });
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await until('one runs', () => fleet.running.size === 1);
    await rolloutHandle(lab, jobId).terminate();
    fleet.releaseAll();
    await lab.startUpkeep();
    expect((await lab.finished(jobId)).job_status).toBe(1);
    expect(fleet.mostRunning()).toBe(1);
  });

  test("a roll-out that is cancelled in Temporal's own UI is cancelled", async () => {
    const fleet = await addFleet(lab, { name: 'by-temporal', pools: 2, held: true });
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await until('one runs', () => fleet.running.size === 1);
    await rolloutHandle(lab, jobId).cancel();
    expect(await lab.finished(jobId)).toMatchObject({ job_result: { templaterollout: { cancelled: 2 } } });
    await until('it is stopped', () => fleet.running.size === 0);
    await until('the run is cancelled', async () => {
      const { status } = await rolloutHandle(lab, jobId).describe();
      return status.name === 'CANCELLED';
    });
  });

  test('copies that the roll-out of a deleted template has not begun fail at once', async () => {
    const fleet = await addFleet(lab, { name: 'doomed', pools: 3, held: true });
    const [first] = fleet.poolIds as [string];
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await until('one runs', () => fleet.running.size === 1);
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'Inactive' })
      .where('uuid', '=', templateId)
      .execute();
    await rolloutShows(lab, jobId, { failed: 2, running: 1, queued: 0 });
    fleet.release(first);
    expect(await lab.finished(jobId)).toMatchObject({
      job_result: {
        templaterollout: { ready: 1, errors: [{ error: 'Template debian was deleted', count: 2 }] },
      },
    });
  });

  test('a cancelled copy that another roll-out will begin is not stopped for it', async () => {
    const fleet = await addFleet(lab, { name: 'twice', pools: 2, held: true });
    const [first, second] = fleet.poolIds as [string, string];
    const templateId = await lab.addTemplate();
    const one = await rollOut(lab, templateId, [first], { atOnce: 1 });
    await until('it runs', () => fleet.running.has(first));
    const two = await rollOut(lab, templateId, [first, second], { atOnce: 1 });
    await until('the other one has begun', async () => (await rolloutRow(lab, two)).running === 1);
    await cancelRollout(lab.db, one, 'ann');
    await wake(lab, one, templateId);
    await rolloutHandle(lab, one).result();
    expect(await lab.orchestration.isRunning(copyWorkflowId(templateId, first))).toBe(true);
    fleet.releaseAll();
    expect((await lab.finished(two)).job_status).toBe(1);
    expect(fleet.host.jobs).toHaveLength(2);
  });
}
