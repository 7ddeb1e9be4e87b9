/** Records histories of the jobs of virtual machines, and of the ways that a start takes; see record-runs.ts. */
import { Context } from '@temporalio/activity';
import { applicationFailure } from '../../activities/context.ts';
import { vmWorkflowId } from '../../model/names.ts';
import type { VmCommand, VmJobParameters } from '../../model/vm-payloads.ts';
import { openContinuingLab } from '../labs/continuing.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { openMachines } from '../labs/machines.ts';
import type { MachineLab } from '../labs/machines.ts';
import { deferred } from '../support/deferred.ts';
import { aborted, downloaded, endless } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';
import { savingFrom } from './recording.ts';

let lab: ControlLab;
let machines: MachineLab;
afterEach(() => lab.close());

const save = savingFrom(() => lab);
const handleOf = (vmId: string) => lab.temporal.client.workflow.getHandle(vmWorkflowId(vmId));

async function open(opened: Promise<ControlLab>): Promise<void> {
  lab = await opened;
  machines = openMachines(lab);
}

async function saveEnded(name: string, vmId: string): Promise<void> {
  await machines.ended(vmId);
  await save(name, handleOf(vmId));
}

test('each job', async () => {
  await open(openControlLab());
  await lab.addHost({ name: 'host', pool: 'pool' });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const isoId = await lab.addTemplate({ format: 'ISO' });
  const record = async (name: string, command: VmCommand, parameters?: VmJobParameters) => {
    await machines.perform(vmId, command, parameters);
    await saveEnded(name, vmId);
  };
  await record('vm-deploy', 'deployVirtualMachine');
  await record('vm-reboot', 'rebootVirtualMachine');
  await record('vm-attach-iso', 'attachIso', { templateId: isoId });
  await record('vm-detach-iso', 'detachIso');
  await record('vm-stop', 'stopVirtualMachine');
  await record('vm-start', 'startVirtualMachine');
  await record('vm-restore', 'restoreVirtualMachine');
  await record('vm-destroy', 'destroyVirtualMachine');
  await record('vm-expunge', 'expungeVirtualMachine');
});

test('a start of which the pool has the image', async () => {
  await open(openControlLab());
  await lab.addHost({ name: 'host', pool: 'pool' });
  const templateId = await lab.addTemplate();
  await lab.finished(await lab.prepare({ templateId, poolId: lab.poolId('pool') }));
  const vmId = await machines.add({ templateId });
  await machines.perform(vmId, 'deployVirtualMachine');
  await saveEnded('vm-deploy-end-in-task', vmId);
});

test('a host that fails, a full pool, a host that is lost', async () => {
  await open(openControlLab());
  const failing: ScriptedHost = await lab.addHost({
    name: 'a-failing',
    pool: 'pool',
    script: {
      startVm: () => Promise.reject(applicationFailure({ kind: 'OutOfMemory', message: 'no memory' })),
    },
  });
  let calls = 0;
  const mortal: ScriptedHost = await lab.addHost({
    name: 'b-mortal',
    pool: 'pool',
    script: {
      startVm(job) {
        calls += 1;
        if (calls === 1) throw applicationFailure({ kind: 'NoSpace', message: 'no space left on device' });
        const started = mortal.machines.activities.startVm(job);
        return calls > 2 ? started : aborted(Context.current().cancellationSignal);
      },
    },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const jobId = await machines.request(vmId, 'deployVirtualMachine');
  await until('the host has the domain', () => Promise.resolve(mortal.machines.domains.has(vmId) || undefined));
  await mortal.stop();
  await machines.waiting(vmId, /may still run/);
  await mortal.start();
  await lab.finished(jobId);
  expect(failing.machines.domains.size).toBe(0);
  await saveEnded('vm-deploy-hosts-fail', vmId);
});

test('no host, and a start that another job ends', async () => {
  await open(openControlLab());
  const script = endless();
  const host = await lab.addHost({ name: 'host', pool: 'pool', script: { download: script.download } });
  const lost = await machines.add({ templateId: await lab.addTemplate(), network: 'lan' });
  await machines.perform(lost, 'deployVirtualMachine');
  await saveEnded('vm-deploy-nowhere', lost);
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  await machines.request(vmId, 'deployVirtualMachine');
  const download = await script.begun;
  await machines.perform(vmId, 'destroyVirtualMachine');
  await saveEnded('vm-deploy-ended', vmId);
  script.release(downloaded(host.hostId, download, host.pool()));
});

test('a start that another job ends while its host works on it', async () => {
  await open(openControlLab());
  const begun = deferred();
  await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: {
      startVm() {
        begun.resolve();
        return aborted(Context.current().cancellationSignal);
      },
    },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  await machines.request(vmId, 'deployVirtualMachine');
  await begun.promise;
  await machines.perform(vmId, 'stopVirtualMachine');
  await saveEnded('vm-start-ended', vmId);
});

test('a start that waits for long goes on as another run', async () => {
  await open(openContinuingLab());
  const host = await lab.addHost({ name: 'host', pool: 'pool' });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  await machines.perform(vmId, 'deployVirtualMachine');
  await machines.perform(vmId, 'stopVirtualMachine');
  await machines.ended(vmId);
  await host.stop();
  await host.setUp(false);
  await lab.addHost({ name: 'other', pool: 'pool' });
  const jobId = await machines.request(vmId, 'startVirtualMachine');
  const { runId } = await handleOf(vmId).describe();
  await until('it goes on as another run', async () => (await handleOf(vmId).describe()).runId !== runId);
  await save('vm-continues', handleOf(vmId), runId);
  await host.start();
  await lab.finished(jobId);
});
