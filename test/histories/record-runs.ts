/**
 * Records histories of each kind of workflow run, against the real server, into the folder of this version. Those of
 * released versions stay as they are: old runs go on with new code.
 *
 *   npx jest --testMatch '<rootDir>/test/histories/record-*.ts'
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import { addCertificate, removeCertificate } from '../../db/certificates/certificates.ts';
import { setHostLimits } from '../../db/hosts/host-limits.ts';
import { createJob } from '../../db/jobs/jobs.ts';
import { setConfiguration } from '../../db/zones/configurations.ts';
import { removeZone } from '../../db/zones/zone-removal.ts';
import { createZone } from '../../db/zones/zones.ts';
import {
  CONTROL_QUEUE,
  certificateWorkflowId,
  cleanupWorkflowId,
  joinWorkflowId,
  keystoreWorkflowId,
  limitsWorkflowId,
  reportsWorkflowId,
  templateWorkflowId,
  verificationsWorkflowId,
  workflowTypes,
} from '../../model/names.ts';
import type { CleanupJobParameters } from '../../model/pool-files.ts';
import { entryDigest, readCertificates } from '../../trust/certificates.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import { createAuthority } from '../support/authority.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { downloaded, endless, failed, unreachable } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';
import { newCopy, savingFrom } from './recording.ts';
import { joinText } from '../../model/joining.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const save = savingFrom(() => lab);

test('registration', async () => {
  const host = await lab.addHost({
    name: 'prober',
    script: {
      probe: ({ url }) =>
        url.includes('bad')
          ? Promise.resolve({ v: 1, hostId: host.hostId, urls: [unreachable(url, 'answers 404 Not Found')] })
          : Promise.resolve({
              v: 1,
              hostId: host.hostId,
              urls: [{ url, reachable: true, size: 1, virtualSize: 1, ranges: true, priority: 1 }],
            }),
    },
  });
  const [good, bad] = [lab.registration(), lab.registration({ url: 'http://origin.test/bad.qcow2' })];
  await lab.orchestration.register(good, 30_000);
  await lab.orchestration.register(bad, 30_000);
  const { workflow } = lab.temporal.client;
  await save('registration', workflow.getHandle(templateWorkflowId(good.templateId)));
  await save('registration-refused', workflow.getHandle(templateWorkflowId(bad.templateId)));
});

test('source check', async () => {
  const host = await lab.addHost({
    name: 'checker',
    script: {
      probe: ({ url }) =>
        Promise.resolve({ v: 1, hostId: host.hostId, urls: [unreachable(url, 'answers 404 Not Found')] }),
    },
  });
  const checked = lab.registration();
  await lab.orchestration.checkSource(checked, 30_000);
  const { workflow } = lab.temporal.client;
  await save('source-check', workflow.getHandle(templateWorkflowId(checked.templateId)));
});

test('deployment', async () => {
  let calls = 0;
  const host = await lab.addHost({
    name: 'plain',
    script: {
      download(job) {
        calls += 1;
        if (calls > 1) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
        throw failed(host.hostId, job, { kind: 'Throttled', message: 'answers 429', retryAfterMs: 300 });
      },
    },
  });
  await host.setUp(false);
  const copy = await newCopy(lab, 'plain');
  const job = await lab.prepare(copy);
  await lab.waiting(copy, /Down/);
  await host.setUp(true);
  await lab.finished(job);
  await lab.copyEnded(copy);
  await save('deployment', lab.workflow(copy));
});

test('deployment that is stopped, and goes on as a removal, which goes on as a deployment', async () => {
  const script = endless();
  let calls = 0;
  const host = await lab.addHost({
    name: 'stopped',
    script: {
      download(job) {
        calls += 1;
        if (calls === 1) return script.download(job);
        return Promise.resolve(downloaded(host.hostId, job, host.pool()));
      },
    },
  });
  const copy = await newCopy(lab, 'stopped');
  await lab.prepare(copy);
  await script.begun;
  const { runId: first } = await lab.workflow(copy).describe();
  await host.setUp(false);
  await lab.orchestration.requestStop(copy, { by: 'ann', remove: true });
  await lab.waiting(copy, /Down/);
  const { runId: second } = await lab.workflow(copy).describe();
  const job = await lab.prepare(copy);
  await host.setUp(true);
  await lab.finished(job);
  await lab.copyEnded(copy);
  await save('deployment-stopped', lab.workflow(copy), first);
  await save('removal-then-deployment', lab.workflow(copy), second);
  await lab.orchestration.requestRemoval(copy, { by: 'ann' });
  await lab.copyEnded(copy);
  await save('removal', lab.workflow(copy));
});

test('deletion', async () => {
  await lab.addHost({ name: 'deleting' });
  const copy = await newCopy(lab, 'deleting');
  await lab.finished(await lab.prepare(copy));
  const { templateId } = copy;
  const { userId, accountId } = lab;
  const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  await lab.orchestration.requestDeletion({ v: 1, templateId, jobId, userId, accountId });
  await lab.finished(jobId);
  const handle = lab.temporal.client.workflow.getHandle(templateWorkflowId(templateId));
  await handle.result();
  await save('deletion', handle);
});

test('join', async () => {
  const hostId = randomUUID();
  const signing = generateKeyPairSync('ed25519');
  const who = {
    v: 1 as const,
    at: new Date().toISOString(),
    hostId,
    name: 'kvm-1',
    address: '10.0.0.1',
    zone: 'zone-1',
    cluster: 'cluster-1',
    signingKey: rawPublicKey(signing.publicKey),
    sealingKey: rawPublicKey(generateKeyPairSync('x25519').publicKey),
    report: { v: 1 as const, hostId, version: '1', pools: [], programs: [] },
  };
  const signature = sign(null, Buffer.from(joinText(who)), signing.privateKey).toString('base64url');
  const handle = await lab.temporal.client.workflow.start(workflowTypes.join, {
    taskQueue: CONTROL_QUEUE,
    workflowId: joinWorkflowId(hostId),
    args: [{ ...who, signature }],
  });
  await handle.result();
  await save('join', handle);
});

test('host limits', async () => {
  const { hostId } = await lab.addHost({ name: 'limited' });
  await setHostLimits(lab.db, hostId, { downloads: 4 });
  await lab.orchestration.requestHostLimits(hostId);
  const handle = lab.temporal.client.workflow.getHandle(limitsWorkflowId(hostId));
  await handle.result();
  await save('host-limits', handle);
});

test('certificate and keystore', async () => {
  const host = await lab.addHost({ name: 'trusting' });
  const { cert } = createAuthority('Ed25519');
  const [{ raw }] = readCertificates(cert) as [X509Certificate];
  const zone = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  const made = await addCertificate(lab.db, {
    alias: 'mirror',
    certificate: cert,
    digest: entryDigest([raw], undefined),
    expires: new Date(Date.now() + 86_400_000),
    zone_id: zone.id,
  });
  const about = { certificateId: made.uuid, alias: made.alias };
  await lab.orchestration.syncCertificate(about, [host.hostId], 30_000);
  const { workflow } = lab.temporal.client;
  await save('certificate', workflow.getHandle(certificateWorkflowId(made.uuid)));
  await save('keystore', workflow.getHandle(keystoreWorkflowId(host.hostId)));
  await removeCertificate(lab.db, made.id);
});

test('cleanup of a pool, and of a copy that nothing uses', async () => {
  const part = `.bypass-parts/${randomUUID()}.${randomUUID()}.part`;
  const about = { type: 'file', size: 7, physicalSize: 4096, modified: new Date().toISOString() } as const;
  const host = await lab.addHost({
    name: 'cleaned',
    uploads: 1,
    script: {
      listPoolFiles: () =>
        Promise.resolve({
          v: 1,
          hostId: host.hostId,
          files: [
            { ...about, name: part, role: 'part', id: part.slice(14, 50), inode: '1' },
            { ...about, name: 'stranger', role: 'other', inode: '2' },
          ],
          more: false,
        }),
    },
  });
  const copy = await newCopy(lab, 'cleaned');
  await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  const zone = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  await setConfiguration(lab.db, 'storage.template.cleanup.enabled', 'true', zone.id);
  await setConfiguration(lab.db, 'storage.cleanup.delay', '0', zone.id);
  const job = async (cmd: string, params: CleanupJobParameters): Promise<void> => {
    const { userId, accountId } = lab;
    const instance = { instanceType: 'StoragePool', instanceUuid: copy.poolId };
    const jobId = await createJob(lab.db, { accountId, userId, cmd, ...instance, params });
    await lab.orchestration.requestCleanup(lab.zoneId);
    await lab.finished(jobId);
  };
  await job('cleanupStoragePool', {});
  await until('the copy is gone', async () => (await lab.copy(copy)) === undefined);
  await job('removeStoragePoolFiles', { files: [{ name: 'stranger', inode: '2' }] });
  const handle = lab.temporal.client.workflow.getHandle(cleanupWorkflowId(lab.zoneId));
  await handle.result();
  await save('cleanup', handle);
  await save('removal-of-an-unused-copy', lab.workflow(copy));
});

test('verifications', async () => {
  await lab.addHost({ name: 'verifying', uploads: 1 });
  const copy = await newCopy(lab, 'verifying');
  await lab.finished(await lab.prepare(copy));
  await lab.db.updateTable('template_spool_ref').set({ verified: new Date('2026-01-01') }).execute();
  await lab.orchestration.requestVerifications(lab.zoneId);
  const handle = lab.temporal.client.workflow.getHandle(verificationsWorkflowId(lab.zoneId));
  await handle.result();
  await save('verifications', handle);
});

test('upkeep', async () => {
  const handle = await lab.startUpkeep();
  await until('some rounds', async () => (await handle.describe()).historyLength > 120);
  await lab.endUpkeep();
  await save('upkeep-begins-reports', handle);
});

test('reports of a zone that is removed', async () => {
  const { uuid, name, id } = await createZone(lab.db, { name: 'elsewhere' });
  await lab.orchestration.requestReports({ uuid, name }, { roundMs: 200 });
  const handle = lab.temporal.client.workflow.getHandle(reportsWorkflowId(uuid));
  await until('some rounds', async () => (await handle.describe()).historyLength > 40);
  await removeZone(lab.db, id);
  await handle.result();
  await save('host-reports', handle);
});
