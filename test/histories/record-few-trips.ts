/**
 * Records histories of deployments that open the copy, choose its place and record its end in local activities, of one that is handed
 * over, and of hosts that are told of a change.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { withProof } from '../../activities/host/proof.ts';
import { peersWorkflowId, transferQueue } from '../../model/names.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { addHostWithDoor } from '../support/host-with-door.ts';
import { downloaded, endless, failed } from '../support/scripted-host.ts';
import { newCopy, savingFrom } from './recording.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const save = savingFrom(() => lab);

test('it fails, and then succeeds', async () => {
  let calls = 0;
  const host = await lab.addHost({
    name: 'plain',
    script: {
      download(job) {
        calls += 1;
        if (calls === 1) throw failed(host.hostId, job, { kind: 'ServerError', message: '503' });
        return Promise.resolve(downloaded(host.hostId, job, host.pool()));
      },
    },
  });
  const copy = await newCopy(lab, 'plain');
  await lab.finished(await lab.prepare(copy));
  await save('deployment-few-trips', lab.workflow(copy));
});

test('it waits for a host, and for room', async () => {
  const copy = await newCopy(lab, 'late');
  const host = await lab.addHost({ name: 'late' });
  await host.setUp(false);
  host.setFree(10);
  const jobId = await lab.prepare(copy);
  await lab.waiting(copy, /is Down/);
  await host.setUp(true);
  await lab.waiting(copy, /has no room/);
  host.setFree(1_000_000);
  await lab.finished(jobId);
  await save('deployment-few-trips-waits', lab.workflow(copy));
});

test('somebody else answers in the name of the host', async () => {
  const host = await lab.addHost({ name: 'victim', dead: true });
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = {
    hostId: host.hostId,
    sign: (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
  };
  const { connection, namespace } = lab.temporal;
  const impostor = await Worker.create({
    connection,
    namespace,
    taskQueue: transferQueue(host.hostId),
    activities: withProof(signer, {
      download: (job: Parameters<typeof downloaded>[1]) =>
        Promise.resolve(downloaded(host.hostId, job, host.pool())),
    }),
  });
  const copy = await newCopy(lab, 'victim');
  await impostor.runUntil(async () => {
    await lab.prepare(copy);
    await lab.waiting(copy, /did not sign/);
  });
  await host.start();
  await lab.copyEnded(copy);
  await save('deployment-few-trips-impostor', lab.workflow(copy));
});

// `deployment-from-a-peer` and `deployment-told-of-a-peer` were recorded before deployments took few trips.
test('it waits for a peer, and comes from it', async () => {
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
  await save('deployment-few-trips-from-a-peer', lab.workflow(copy));
});

test('it is stopped, and goes on', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'stopped', script });
  const copy = await newCopy(lab, 'stopped');
  await lab.prepare(copy);
  const job = await script.begun;
  await lab.orchestration.requestStop(copy, { by: 'a test', remove: false });
  const next = await lab.prepare(copy);
  script.release(downloaded(host.hostId, job, host.pool()));
  await lab.finished(next);
  await lab.copyEnded(copy);
  await save('deployment-few-trips-stopped', lab.workflow(copy));
});

test('its host is drained, and another one goes on', async () => {
  const script = endless();
  const drained = await lab.addHost({ name: 'drained', pool: 'both', script });
  const copy = await newCopy(lab, 'both');
  const jobId = await lab.prepare(copy);
  await script.begun;
  await lab.addHost({ name: 'other', pool: 'both' });
  await lab.db
    .updateTable('host')
    .set({ resource_state: 'Maintenance' })
    .where('uuid', '=', drained.hostId)
    .execute();
  await lab.orchestration.handOver([copy], drained.hostId);
  await lab.finished(jobId);
  await lab.copyEnded(copy);
  await save('deployment-handed-over', lab.workflow(copy));
});

test('hosts learn who came and went', async () => {
  const { zoneId } = lab;
  const handle = lab.temporal.client.workflow.getHandle(peersWorkflowId(zoneId));
  await addHostWithDoor(lab, 'door-1');
  await lab.orchestration.requestPeers(zoneId);
  await handle.result();
  await addHostWithDoor(lab, 'door-2');
  await lab.orchestration.requestPeers(zoneId);
  await handle.result();
  await save('peers-told-of-a-change', handle);
});
