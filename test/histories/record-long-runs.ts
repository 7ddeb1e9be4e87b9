/** Records runs that continue as new ones. */
import { randomUUID } from 'node:crypto';
import { createJob } from '../../db/jobs/jobs.ts';
import {
  CONTROL_QUEUE,
  WANTED_SIGNAL,
  certificateWorkflowId,
  keystoreWorkflowId,
  peersWorkflowId,
  reportsWorkflowId,
  templateWorkflowId,
  workflowTypes,
} from '../../model/names.ts';
import { newRunParameters } from '../../model/rules/released.ts';
import { openContinuingLab } from '../labs/continuing.ts';
import type { ControlLab } from '../labs/control.ts';
import { deferred } from '../support/deferred.ts';
import { addHostWithDoor } from '../support/host-with-door.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';
import { newCopy, savingFrom } from './recording.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openContinuingLab();
});
afterAll(() => lab?.close());

const save = savingFrom(() => lab);
const handleOf = (workflowId: string) => lab.temporal.client.workflow.getHandle(workflowId);

/** @returns the run that was the first of the two */
async function continued(workflowId: string): Promise<string> {
  const { runId } = await handleOf(workflowId).describe();
  await until(`${workflowId} goes on as another run`, async () => {
    const { runId: now } = await handleOf(workflowId).describe();
    return now !== runId;
  });
  return runId;
}

const saveFirst = async (name: string, workflowId: string): Promise<void> => {
  const runId = await continued(workflowId);
  await save(name, handleOf(workflowId), runId);
};

async function newDeletion(templateId: string) {
  const { userId, accountId } = lab;
  const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  await lab.orchestration.requestDeletion({ v: 1, templateId, jobId, userId, accountId });
  return jobId;
}

test('deployment, removal and deletion', async () => {
  const host = await lab.addHost({ name: 'away' });
  await host.setUp(false);
  const copy = await newCopy(lab, 'away');
  const job = await lab.prepare(copy);
  await saveFirst('deployment-continues', lab.workflow(copy).workflowId);
  await host.setUp(true);
  await lab.finished(job);
  await lab.copyEnded(copy);
  await host.setUp(false);
  const deleted = await newDeletion(copy.templateId);
  await until('the removal runs', async () => (await lab.live(copy)) !== undefined);
  await saveFirst('removal-continues', lab.workflow(copy).workflowId);
  await saveFirst('deletion-continues', templateWorkflowId(copy.templateId));
  await host.setUp(true);
  await lab.finished(deleted);
  await host.setUp(false);
});

test('registration that goes on as a deletion, and one that is cancelled', async () => {
  const [asked, answered] = [deferred(), deferred()];
  const host: ScriptedHost = await lab.addHost({
    name: 'slow',
    script: {
      async probe() {
        asked.resolve();
        await answered.promise;
        return { v: 1, hostId: host.hostId, urls: [] };
      },
    },
  });
  const [doomed, cancelled] = [lab.registration(), lab.registration()];
  const outcomes = [doomed, cancelled].map((one) => lab.orchestration.register(one, 30_000));
  await asked.promise;
  const [doomedId, cancelledId] = [
    templateWorkflowId(doomed.templateId),
    templateWorkflowId(cancelled.templateId),
  ];
  const { runId } = await handleOf(doomedId).describe();
  await newDeletion(doomed.templateId);
  await handleOf(cancelledId).cancel();
  await Promise.all(outcomes);
  answered.resolve();
  await save('registration-goes-on-as-deletion', handleOf(doomedId), runId);
  await save('registration-cancelled', handleOf(cancelledId));
  await host.setUp(false);
});

test('keystore', async () => {
  const [asked, answered] = [deferred(), deferred()];
  const host: ScriptedHost = await lab.addHost({
    name: 'trusting',
    script: {
      async syncCertificates() {
        asked.resolve();
        await answered.promise;
        return { v: 1, hostId: host.hostId, held: [], failed: {} };
      },
    },
  });
  const { hostId } = host;
  const workflowId = keystoreWorkflowId(hostId);
  const want = () =>
    lab.temporal.client.workflow.signalWithStart(workflowTypes.keystore, {
      taskQueue: CONTROL_QUEUE,
      workflowId,
      args: [{ v: 1, hostId, ...newRunParameters('keystore', { mostLooks: 1 }) }],
      signal: WANTED_SIGNAL,
      signalArgs: [{ v: 1 }],
    });
  await want();
  await asked.promise;
  await want();
  answered.resolve();
  await saveFirst('keystore-continues', workflowId);
});

test('certificate', async () => {
  const hosts: string[] = [];
  for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) {
    hosts.push((await lab.addHost({ name })).hostId);
  }
  const certificateId = randomUUID();
  const workflowId = certificateWorkflowId(certificateId);
  const timing = newRunParameters('certificate', { hostsAtOnce: 1 });
  await lab.temporal.client.workflow.signalWithStart(workflowTypes.certificate, {
    taskQueue: CONTROL_QUEUE,
    workflowId,
    args: [{ v: 1, certificateId, alias: 'mirror', ...timing }],
    signal: WANTED_SIGNAL,
    signalArgs: [{ v: 1, hostIds: hosts }],
  });
  await saveFirst('certificate-continues', workflowId);
});

test('peers', async () => {
  for (const name of ['door-1', 'door-2', 'door-3', 'door-4']) await addHostWithDoor(lab, name);
  const { zoneId } = lab;
  const workflowId = peersWorkflowId(zoneId);
  await lab.temporal.client.workflow.start(workflowTypes.peers, {
    taskQueue: CONTROL_QUEUE,
    workflowId,
    args: [{ v: 1, zoneId, ...newRunParameters('peers', { bytesAtOnce: 1 }) }],
  });
  await saveFirst('peers-continues', workflowId);
  await handleOf(workflowId).result();
});

test('upkeep, and reports of a zone', async () => {
  for (const name of ['reporting-1', 'reporting-2', 'reporting-3']) await lab.addHost({ name });
  const handle = await lab.startUpkeep();
  await saveFirst('upkeep-begins-reports-continues', handle.workflowId);
  await saveFirst('host-reports-continues', reportsWorkflowId(lab.zoneId));
  await lab.endUpkeep();
});
