/** Records roll-outs. See record-runs.ts. */
import { changeRollout } from '../../db/rollouts/rollouts.ts';
import { openContinuingLab } from '../labs/continuing.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { addFleet, rollOut, rolloutHandle, rolloutShows, wake } from '../labs/rollouts.ts';
import { until } from '../support/until.ts';
import { savingFrom } from './recording.ts';

let lab: ControlLab;
const save = savingFrom(() => lab);

describe('of a few copies', () => {
  beforeAll(async () => {
    lab = await openControlLab();
  });
  afterAll(() => lab.close());

  test('paused, resumed, and complete', async () => {
    const fleet = await addFleet(lab, { name: 'plain', pools: 3, held: true });
    const [first] = fleet.poolIds as [string];
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await rolloutShows(lab, jobId, { running: 1 });
    await changeRollout(lab.db, jobId, { from: 'Running', to: 'Paused' });
    await wake(lab, jobId, templateId);
    fleet.release(first);
    await rolloutShows(lab, jobId, { ready: 1, running: 0 });
    await changeRollout(lab.db, jobId, { from: 'Paused', to: 'Running' });
    await wake(lab, jobId, templateId);
    fleet.releaseAll();
    await rolloutHandle(lab, jobId).result();
    await save('rollout', rolloutHandle(lab, jobId));
  });

  test('with looks within its own tasks', async () => {
    const fleet = await addFleet(lab, { name: 'local', pools: 3, held: false });
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await rolloutHandle(lab, jobId).result();
    await save('rollout-local-looks', rolloutHandle(lab, jobId));
  });

  test("cancelled in Temporal's own UI", async () => {
    const fleet = await addFleet(lab, { name: 'cancelled', pools: 2, held: true });
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    await until('one runs', () => fleet.running.size === 1);
    await rolloutHandle(lab, jobId).cancel();
    await rolloutHandle(lab, jobId)
      .result()
      .catch(() => undefined);
    await save('rollout-cancelled', rolloutHandle(lab, jobId));
  });
});

describe('of many copies', () => {
  beforeAll(async () => {
    lab = await openContinuingLab();
  });
  afterAll(() => lab.close());

  test('goes on as another run', async () => {
    const fleet = await addFleet(lab, { name: 'long', pools: 6, held: false });
    const templateId = await lab.addTemplate();
    const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
    const { runId } = await rolloutHandle(lab, jobId).describe();
    await rolloutHandle(lab, jobId).result();
    await save('rollout-continues', rolloutHandle(lab, jobId), runId);
  });
});
