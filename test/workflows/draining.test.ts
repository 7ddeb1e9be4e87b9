/** Downloads of a host that is drained: other hosts go on with them. */
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { downloaded, endless } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

/** Sets the state of a host as its maintenance does. */
const setState = (hostId: string, state: 'Enabled' | 'Maintenance') =>
  lab.db.updateTable('host').set({ resource_state: state }).where('uuid', '=', hostId).execute();

test('another host of the pool goes on at once, and the attempt says why it ended', async () => {
  const script = endless();
  const drained = await lab.addHost({ name: 'drained', pool: 'both', script });
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('both') };
  const jobId = await lab.prepare(copy);
  await script.begun;
  const other: ScriptedHost = await lab.addHost({ name: 'other', pool: 'both' });
  await lab.orchestration.handOver([copy], other.hostId);
  await setState(drained.hostId, 'Maintenance');
  await lab.orchestration.handOver([copy], drained.hostId);
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(other.jobs).toHaveLength(1);
  expect(await lab.workflow(copy).result()).toMatchObject({ outcome: 'ready', hostId: other.hostId });
  const attempts = await lab.attempts(copy);
  expect(attempts.map(({ host_name, failure_kind }) => [host_name, failure_kind])).toEqual([
    ['drained', null],
    ['drained', 'HostGone'],
    ['other', null],
  ]);
  expect(attempts[0]?.bytes).toBe(400);
  expect(attempts[1]?.error_str).toContain('was drained');
});

test('a download on a pool of its own waits with its bytes until the maintenance ends', async () => {
  const script = endless();
  const alone = await lab.addHost({ name: 'alone', script });
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('alone') };
  const jobId = await lab.prepare(copy);
  const job = await script.begun;
  await setState(alone.hostId, 'Maintenance');
  await lab.orchestration.handOver([copy], alone.hostId);
  await lab.waiting(copy, /is not enabled/);
  await setState(alone.hostId, 'Enabled');
  script.release(downloaded(alone.hostId, job, alone.pool()));
  expect((await lab.finished(jobId)).job_status).toBe(1);
});
