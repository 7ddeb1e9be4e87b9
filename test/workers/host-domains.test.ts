import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { CONTROL_QUEUE, domainsWorkflowId, joinWorkflowId } from '../../model/names.ts';
import type { JoinRequest } from '../../model/joining.ts';
import { loadOrCreateIdentity } from '../../trust/identity.ts';
import { runHost } from '../../workers/host.ts';
import { readSettings } from '../../workers/settings.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { testTemporal } from '../support/temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';

needingLibvirt()('a host worker with libvirt', () => {
  let temporal: TestTemporal;
  let lab: LibvirtLab;
  let folder: string;
  let control: Worker;
  let controlEnded: Promise<void>;
  beforeAll(async () => {
    await ensureBuilt();
    [temporal, lab] = await Promise.all([testTemporal(), openLibvirtLab()]);
    folder = await mkdtemp(join(tmpdir(), 'bypass-domains-'));
    await mkdir(join(folder, 'pool'));
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../support/workflows/control.ts', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    });
    const { connection, namespace } = temporal;
    control = await Worker.create({ connection, namespace, taskQueue: CONTROL_QUEUE, workflowBundle });
    controlEnded = control.run();
  });
  afterAll(async () => {
    control.shutdown();
    await controlEnded;
    await Promise.all([temporal.close(), lab.close(), rm(folder, { recursive: true })]);
  });

  /** Runs of the workflow that compares the domains of this host, the newest first. */
  async function comparisons(hostId: string): Promise<readonly string[]> {
    const query = `WorkflowId = "${domainsWorkflowId(hostId)}"`;
    const runs: string[] = [];
    for await (const { runId } of temporal.client.workflow.list({ query })) runs.push(runId);
    return runs;
  }

  test('reports its hypervisor as it joins, and has its domains compared then and as one changes', async () => {
    const stop = new AbortController();
    const stateDir = join(folder, 'state');
    const settings = readSettings(
      {
        temporalAddress: temporal.address,
        temporalNamespace: temporal.namespace,
        stateDir,
        pools: `lab=Filesystem:HOST:${join(folder, 'pool')}`,
        zone: 'zone1',
        cluster: 'cluster1',
        libvirtUri: lab.uri,
        vmAccelerator: 'tcg',
        networks: 'guest=user,lan=bridge:no-such-br',
      },
      {},
    );
    const logger = pino({ level: 'silent' });
    const ended = runHost({ settings, logger, stop: once(stop.signal, 'abort') });
    try {
      const hostId = await until('the identity', async () =>
        loadOrCreateIdentity(stateDir).then(
          (identity) => identity.hostId,
          () => undefined,
        ),
      );
      await until('the first comparison', async () => (await comparisons(hostId)).length > 0);
      const { events } = await temporal.client.workflow.getHandle(joinWorkflowId(hostId)).fetchHistory();
      const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
      const { report } = JSON.parse(Buffer.from(payload?.data ?? []).toString()) as JoinRequest;
      expect(report.hypervisor).toMatchObject({
        libvirt: expect.any(String),
        accelerator: 'tcg',
        networks: [{ name: 'guest' }, { name: 'lan', problem: expect.stringContaining('no-such-br') }],
      });
      expect(report.capabilities?.features).toContain('vms');
      expect(report.programs.map(({ name }) => name)).toContain('virsh');
      const before = (await comparisons(hostId)).length;
      await lab.virsh.run(['create', '/dev/stdin'], {
        xml: `<domain type='qemu'><name>other</name><memory unit='MiB'>16</memory><os>
          <type arch='x86_64' machine='q35'>hvm</type></os></domain>`,
      });
      await until('another comparison', async () => (await comparisons(hostId)).length > before);
    } finally {
      stop.abort();
      await ended;
    }
  });
});
