/** Records histories of runs in which hosts give copies to each other. */
import { peersWorkflowId, verificationWorkflowId } from '../../model/names.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { addHostWithDoor } from '../support/host-with-door.ts';
import { downloaded, endless } from '../support/scripted-host.ts';
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

// `deployment-from-a-peer` was recorded before deployments were told of free uploads.
test('a copy waits for a peer, is told of one, and comes from it', async () => {
  const templateId = await lab.addTemplate();
  await lab.db.updateTable('vm_template').set({ compression: 'xz' }).where('uuid', '=', templateId).execute();
  const script = endless();
  const giver = await lab.addHost({ name: 'giver', uploads: 1, script });
  const giving = await lab.prepare({ templateId, poolId: lab.poolId('giver') });
  const job = await script.begun;
  await lab.addHost({ name: 'taker', uploads: 1 });
  const copy = { templateId, poolId: lab.poolId('taker') };
  const taking = await lab.prepare(copy);
  await lab.waiting(copy, /not unpacked it yet/);
  script.release(downloaded(giver.hostId, job, giver.pool()));
  await lab.finished(giving);
  await lab.finished(taking);
  await save('deployment-told-of-a-peer', lab.workflow(copy));
});

test('hosts learn whom they may let in', async () => {
  await addHostWithDoor(lab, 'door');
  await lab.orchestration.requestPeers(lab.zoneId);
  const handle = lab.temporal.client.workflow.getHandle(peersWorkflowId(lab.zoneId));
  expect(await handle.result()).toEqual({ v: 1, told: 1 });
  await save('peers', handle);
});
