/** What Temporal's UI finds workflows by when they have ended badly, and what a deployment costs Temporal. */
import type { WorkflowHandle } from '@temporalio/client';
import { templateWorkflowId } from '../../model/names.ts';
import { createOrchestration } from '../../orchestration/client.ts';
import { QUICK_TIMING, openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { failed, unreachable } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
let host: ScriptedHost;
beforeAll(async () => {
  lab = await openControlLab();
  host = await lab.addHost({
    name: 'wrong',
    script: {
      probe: ({ url }) =>
        Promise.resolve({ v: 1, hostId: host.hostId, urls: [unreachable(url, 'answers 404')] }),
      download(job) {
        throw failed(host.hostId, job, { kind: 'ChecksumMismatch', message: 'has another checksum' });
      },
    },
  });
});
afterAll(() => lab.close());

const attributesOf = async (workflow: WorkflowHandle): Promise<Readonly<Record<string, unknown>>> => {
  const { typedSearchAttributes } = await workflow.describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
};

test('a failed deployment is found by its reason', async () => {
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('wrong') };
  await lab.finished(await lab.prepare(copy));
  const workflow = lab.workflow(copy);
  await expect(workflow.result()).rejects.toThrow('Workflow execution failed');
  expect(await attributesOf(workflow)).toMatchObject({
    State: 'Failed',
    Reason: 'ChecksumMismatch',
    TemplateId: copy.templateId,
    PoolId: copy.poolId,
    HostId: host.hostId,
    ZoneId: lab.zoneId,
  });
});

test('a refused registration is found by its zone', async () => {
  const input = lab.registration();
  expect((await lab.orchestration.register(input, 30_000)).outcome).toBe('refused');
  const workflow = lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId));
  expect(await attributesOf(workflow)).toMatchObject({
    State: 'Refused',
    TemplateId: input.templateId,
    ZoneId: lab.zoneId,
  });
});

/** What the server keeps of a history's texts for people, by the type of the event. */
const summariesOf = async (workflow: WorkflowHandle): Promise<readonly string[]> => {
  const { events } = await workflow.fetchHistory();
  return (events ?? []).flatMap(({ userMetadata }) => {
    const data = userMetadata?.summary?.data;
    return data ? [String(JSON.parse(Buffer.from(data).toString()))] : [];
  });
};

test('lists and timers name the reason of a wait, the template and the pool', async () => {
  const absent = await lab.addHost({ name: 'absent' });
  await absent.setUp(false);
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('absent') };
  // Temporal takes 400 bytes: a longer line would end every task of the workflow.
  const names = { template: '\u{6f22}'.repeat(250), pool: 'absent' };
  await lab.orchestration.requestDeployment(copy, { names });
  await lab.waiting(copy, /Down/);
  const workflow = lab.workflow(copy);
  expect(await summariesOf(workflow)).toContainEqual(
    expect.stringMatching(/^waiting: no host can work on pool absent: absent is Down$/),
  );
  expect((await workflow.describe()).memo).toMatchObject(names);
  const listed = lab.temporal.client.workflow.list({ query: `PoolId = '${copy.poolId}'` });
  await until('it is listed', async () => {
    for await (const { memo } of listed) return memo?.['pool'] === 'absent';
    return false;
  });
  await lab.orchestration.requestStop(copy, { by: 'the test', remove: false });
});

test('a deployment whose place is free takes two workflow tasks and the job of its host', async () => {
  await lab.addHost({ name: 'free' });
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('free') };
  const { client } = lab.temporal;
  const timing = { ...QUICK_TIMING, reportFreshMs: 600_000 };
  await createOrchestration(client, { timing }).requestDeployment(copy);
  const handle = lab.workflow(copy);
  expect(await handle.result()).toMatchObject({ outcome: 'ready' });
  const events = (await handle.fetchHistory()).events ?? [];
  const jobs = events.flatMap(
    ({ activityTaskScheduledEventAttributes: job }) => job?.activityType?.name ?? [],
  );
  expect(jobs).toEqual(['download']);
  expect(events.filter((event) => event.workflowTaskCompletedEventAttributes)).toHaveLength(2);
});
