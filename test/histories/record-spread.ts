/** Records histories of runs in which hosts give copies to each other. */
import { peersWorkflowId, verificationWorkflowId } from '../../model/names.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { addHostWithDoor } from '../support/host-with-door.ts';
import { savingFrom } from './recording.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const save = savingFrom(() => lab);

test('a copy is verified anew', async () => {
  const host = await lab.addHost({ name: 'doubted' });
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('doubted') };
  await lab.finished(await lab.prepare(copy));
  await lab.orchestration.requestVerification({ ...copy, hostId: host.hostId, hostName: host.name });
  const handle = lab.temporal.client.workflow.getHandle(
    verificationWorkflowId(copy.templateId, copy.poolId),
  );
  expect(await handle.result()).toEqual({ v: 1, outcome: 'right' });
  await save('verification', handle);
});

test('hosts learn whom they may let in', async () => {
  await addHostWithDoor(lab, 'door');
  await lab.orchestration.requestPeers(lab.zoneId);
  const handle = lab.temporal.client.workflow.getHandle(peersWorkflowId(lab.zoneId));
  expect(await handle.result()).toEqual({ v: 1, told: 1 });
  await save('peers', handle);
});
