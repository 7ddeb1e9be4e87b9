/** Records histories of the workflows of virtual machines; see record-runs.ts. */
import {
  CONTROL_QUEUE,
  consoleLogWorkflowId,
  domainsWorkflowId,
  vmWorkflowId,
  workflowTypes,
} from '../../model/names.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { openMachines } from '../labs/machines.ts';
import type { MachineLab } from '../labs/machines.ts';
import { savingFrom } from './recording.ts';

let lab: ControlLab;
let machines: MachineLab;
beforeAll(async () => {
  lab = await openControlLab();
  machines = openMachines(lab);
});
afterAll(() => lab.close());

const save = savingFrom(() => lab);
const handleOf = (id: string) => lab.temporal.client.workflow.getHandle(id);

test('a machine without a job', async () => {
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  await lab.orchestration.requestVm(vmId);
  await machines.ended(vmId);
  await save('vm-without-job', handleOf(vmWorkflowId(vmId)));
});

test('console log, domains', async () => {
  const host = await lab.addHost({ name: 'logging', pool: 'logging' });
  const { hostId } = host;
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  await lab.orchestration.consoleLog({ vmId, hostId }, 100, 30_000);
  await save('console-log', handleOf(consoleLogWorkflowId(vmId)));
  const handle = await lab.temporal.client.workflow.start(workflowTypes.domains, {
    taskQueue: CONTROL_QUEUE,
    workflowId: domainsWorkflowId(hostId),
    args: [{ v: 1, hostId }],
  });
  await handle.result();
  await save('domains', handle);
});
