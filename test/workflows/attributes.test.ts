/** What Temporal's UI finds workflows by when they have ended badly. */
import type { WorkflowHandle } from '@temporalio/client';
import { templateWorkflowId } from '../../model/names.ts';
import { openControlLab } from '../support/control-lab.ts';
import type { ControlLab } from '../support/control-lab.ts';
import { failed, unreachable } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';

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
