import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError } from '@temporalio/client';
import type { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { CONTROL_QUEUE, joinWorkflowId, POOL_MARKER, startIdentity } from '../../model/names.ts';
import type {
  DownloadFailure,
  DownloadJob,
  DownloadResult,
  HostReport,
  ProbeJob,
  ProbeReport,
} from '../../model/payloads.ts';
import type { Progress } from '../../model/progress.ts';
import { loadOrCreateIdentity, verifySignature } from '../../trust/identity.ts';
import { checkProof, createInvite } from '../../trust/invite.ts';
import { runHost } from '../../workers/host.ts';
import { createLogger } from '../../workers/log.ts';
import { readSettings, SettingError } from '../../workers/settings.ts';
import type { Flags } from '../../workers/settings.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { qcow2Image, rawDisk } from '../support/images.ts';
import { LOOPBACK_SETTING } from '../support/loopback.ts';
import { isFullRun } from '../support/programs.ts';
import { testTemporal } from '../support/temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { joinText } from '../../model/joining.ts';
import type { JoinRequest } from '../../model/joining.ts';

const MIB = 1_048_576;
let temporal: TestTemporal;
let bundle: WorkflowBundleWithSourceMap;
let server: ImageServer;
let folder: string;
const running: Running[] = [];

beforeAll(async () => {
  await ensureBuilt();
  temporal = await testTemporal();
  server = await startImageServer();
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../support/workflows/control.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
});
afterAll(async () => {
  await server.close();
  await temporal.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-worker-'));
  await mkdir(join(folder, 'pool'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await rm(folder, { recursive: true });
});

interface Running {
  /** The log so far, as one text. */
  log(): string;
  stop(): Promise<void>;
}

function startHost(changes: Flags = {}): Running {
  const lines: string[] = [];
  const stop = new AbortController();
  const settings = readSettings(
    {
      temporalAddress: temporal.address,
      temporalNamespace: temporal.namespace,
      stateDir: join(folder, 'state'),
      pools: `lab=Filesystem:HOST:${join(folder, 'pool')}`,
      hostName: 'kvm1',
      zone: 'zone1',
      cluster: 'cluster1',
      urlAllow: LOOPBACK_SETTING,
      ...changes,
    },
    {},
  );
  const logger = createLogger('info', 'host', (line) => void lines.push(line));
  const ended = runHost({ settings, logger, stop: once(stop.signal, 'abort') });
  ended.catch((error: unknown) => void lines.push(String(error)));
  const one: Running = {
    log: () => lines.join(''),
    async stop() {
      stop.abort();
      await ended;
    },
  };
  running.push(one);
  return one;
}

/** A control worker that answers, for as long as `work` takes. */
async function withControl<T>(work: () => Promise<T>): Promise<T> {
  const { connection, namespace } = temporal;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: CONTROL_QUEUE,
    workflowBundle: bundle,
    // Workflows run in this thread: a thread for each control worker would cost more than its work.
    debugMode: true,
  });
  return worker.runUntil(work);
}

const hostId = async (): Promise<string> => (await loadOrCreateIdentity(join(folder, 'state'))).hostId;

const joined = (one: Running): Promise<unknown> =>
  until('the host to join', () => /"joined: |"joined, but/.test(one.log()));

async function askedToJoin(): Promise<JoinRequest> {
  const { workflow } = temporal.client;
  const { events } = await workflow.getHandle(joinWorkflowId(await hostId())).fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return JSON.parse(Buffer.from(payload?.data ?? []).toString()) as JoinRequest;
}

const poolId = async (): Promise<string> =>
  (JSON.parse(await readFile(join(folder, 'pool', POOL_MARKER), 'utf8')) as { id: string }).id;

const newJob = async (path: string): Promise<DownloadJob> => ({
  v: 1,
  templateId: randomUUID(),
  poolId: await poolId(),
  copyId: randomUUID(),
  attemptId: randomUUID(),
  url: server.url(path),
  mirrors: [],
  format: 'RAW',
  size: 0,
  priority: 5,
});

/** Runs a workflow that gives this host a short job. */
const ask = async <T>(workflow: 'describe' | 'look', ...args: readonly ProbeJob[]): Promise<T> =>
  temporal.client.workflow.execute<(...given: unknown[]) => Promise<T>>(workflow, {
    workflowId: randomUUID(),
    taskQueue: CONTROL_QUEUE,
    args: [await hostId(), ...args],
  });

const startFetch = async (job: DownloadJob) =>
  temporal.client.workflow.start<(id: string, job: DownloadJob) => Promise<DownloadResult>>('fetch', {
    workflowId: randomUUID(),
    taskQueue: CONTROL_QUEUE,
    args: [await hostId(), job],
  });
type Fetch = Awaited<ReturnType<typeof startFetch>>;

/** The progress of the pending download, as the API reads it. */
async function progressOf(fetch: Fetch): Promise<Progress | undefined> {
  const { raw } = await fetch.describe();
  const data = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.[0]?.data;
  return data === undefined ? undefined : (JSON.parse(Buffer.from(data ?? []).toString()) as Progress);
}

async function failureOf(fetch: Fetch): Promise<ApplicationFailure> {
  const error = await fetch.result().then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return ((error as WorkflowFailedError).cause as ActivityFailure).cause as ApplicationFailure;
}

const causeOf = ({ details }: ApplicationFailure) => (details?.[0] as DownloadFailure | undefined)?.failure;

describe('a host that starts', () => {
  test('joins with its keys, its pools and proof of its invite, and appears in the list of workers', async () => {
    const { token, secretHash } = createInvite();
    await writeFile(join(folder, 'token'), `${token}\n`);
    await withControl(async () => {
      const host = startHost({ invite: `@${join(folder, 'token')}` });
      await joined(host);
      const request = await askedToJoin();
      const { signature, invite, ...who } = request;
      expect(request).toMatchObject({ v: 1, name: 'kvm1', zone: 'zone1', cluster: 'cluster1' });
      expect(request.report.pools).toEqual([
        expect.objectContaining({ id: await poolId(), name: 'lab', mounted: true }),
      ]);
      expect(verifySignature(request.signingKey, joinText(who), signature)).toBe(true);
      expect(checkProof(secretHash, joinText(who), invite?.proof ?? '')).toBe(true);
      expect(JSON.stringify(request)).not.toContain(token.split('.')[1]);
      expect(host.log()).toContain('joined: welcome');
      const { connection, namespace } = temporal;
      const ofItsStart = startIdentity(await hostId(), request.incarnation ?? '');
      await until('two living workers', async () => {
        const { workersInfo } = await connection.workflowService.listWorkers({ namespace });
        const identities = workersInfo.map(({ workerHeartbeat }) => workerHeartbeat?.workerIdentity);
        return identities.filter((identity) => identity === ofItsStart).length === 2;
      });
    });
  });

  test('logs what the operator must do when it has no invite', async () => {
    await withControl(async () => {
      const host = startHost();
      await joined(host);
      expect(host.log()).toContain(`joined, but Disabled: run: bypass host approve ${await hostId()}`);
      expect(host.log()).toMatch(/"fingerprint":"SHA256:/);
    });
  });

  if (isFullRun) {
    test('applies the limits of the answer', async () => {
      await withControl(async () => {
        await joined(startHost({ zone: 'limited' }));
        await until('they hold', async () => {
          const { limits } = await ask<HostReport>('describe');
          return limits?.downloads === 7 && limits.rate === 9000;
        });
      });
    });

    test('waits for a control worker when none runs', async () => {
      const host = startHost();
      await until('the host to be ready to ask', () => existsSync(join(folder, 'state')));
      await until('the question', async () => {
        const handle = temporal.client.workflow.getHandle(joinWorkflowId(await hostId()));
        return handle.describe().then(
          () => true,
          () => false,
        );
      });
      await withControl(() => joined(host));
    });

    test('reports a zone that does not exist, and tries again', async () => {
      await withControl(async () => {
        const host = startHost({ zone: 'nowhere' });
        await until('the second try', () => host.log().includes('next try in 2 s'));
        expect(host.log()).toContain("not joined yet: there is no zone 'nowhere'; next try in 1 s");
      });
    });
  }

  test('again keeps its identity; a pool that is no longer mounted is reported and not created again', async () => {
    await withControl(async () => {
      const first = startHost();
      await joined(first);
      const [id, pool] = [await hostId(), await poolId()];
      await first.stop();
      await rm(join(folder, 'pool', POOL_MARKER));
      await joined(startHost());
      expect(await hostId()).toBe(id);
      expect((await askedToJoin()).report.pools).toEqual([
        expect.objectContaining({ id: pool, mounted: false }),
      ]);
      await expect(poolId()).rejects.toThrow('ENOENT');
    });
  });

  test('reports a pool that was never mounted, and finds it once it is mounted', async () => {
    const shared = join(folder, 'shared');
    const pools = `lab=Filesystem:HOST:${join(folder, 'pool')},shared=SharedMountPoint:CLUSTER:${shared}`;
    await withControl(async () => {
      const host = startHost({ pools });
      await joined(host);
      const { report } = await askedToJoin();
      expect(report.pools.map(({ name }) => name)).toEqual(['lab']);
      expect(report.problems).toEqual([
        `pool shared: ${shared} has no ${POOL_MARKER} file: the pool is not mounted there`,
      ]);
      expect(host.log()).toContain('pool shared:');
      await mkdir(shared);
      const marker = { v: 1, id: randomUUID(), name: 'shared', type: 'SharedMountPoint', scope: 'CLUSTER' };
      await writeFile(join(shared, POOL_MARKER), JSON.stringify(marker));
      const described = await ask('describe');
      expect(described).toMatchObject({
        pools: [{ name: 'lab' }, { name: 'shared', id: marker.id, mounted: true }],
      });
      expect(described).not.toHaveProperty('problems');
    });
  });

  test('is refused while another process uses its state folder', async () => {
    const host = startHost();
    await until('the lock', () => host.log().includes('this is the host'));
    const second = startHost();
    running.pop();
    await expect(second.stop()).rejects.toThrow('a host worker runs with the state folder');
  });

  test.each([
    [{ zone: '' }, '--zone'],
    [{ cluster: '' }, '--cluster'],
    [{ pools: '' }, '--pools'],
    [{ downloads: '0' }, '--downloads'],
    [{ fileMode: 'x' }, '--file-mode'],
    [{ libvirtUri: 'qemu+ssh://kvm-2/system' }, '--libvirt-uri'],
    [{ vmAccelerator: 'xen' }, '--vm-accelerator'],
    [{ networks: 'lan=br0' }, '--networks'],
  ])('is refused with the settings %p before it writes anything', async (changes, flag) => {
    const host = startHost(changes);
    running.pop();
    await expect(host.stop()).rejects.toThrow(SettingError);
    expect(host.log()).toContain(flag);
    await expect(readFile(join(folder, 'state', 'identity.json'))).rejects.toThrow('ENOENT');
  });

  test('waits for the Temporal server, and can be stopped meanwhile', async () => {
    const host = startHost({ temporalAddress: '127.0.0.1:1' });
    await until('the first try', () => host.log().includes('Temporal does not answer at 127.0.0.1:1'));
    running.pop();
    await host.stop();
  });
});

describe('a host that downloads', () => {
  test('reports progress, and returns the result to the workflow', async () => {
    const body = rawDisk(4 * MIB);
    server.serve('/slow', { body, pauseMs: 80, pieceBytes: MIB / 16 });
    await withControl(async () => {
      await joined(startHost());
      const job = await newJob('/slow');
      const fetch = await startFetch(job);
      const seen = await until('progress', async () => {
        const progress = await progressOf(fetch);
        return progress !== undefined && progress.bytes > 0 ? progress : undefined;
      });
      expect(seen).toMatchObject({ v: 1, phase: 'downloading', total: body.length, source: job.url });
      const { localPath } = await fetch.result();
      expect((await readFile(localPath)).equals(body)).toBe(true);
    });
  });

  test('follows the policy of its settings, and that of the job', async () => {
    server.serve('/denied', { body: rawDisk(MIB) });
    await withControl(async () => {
      const host = startHost({ urlDenyPorts: '8080' });
      await joined(host);
      expect(host.log()).toContain('URLs may lead to 127.0.0.0/8, ::1/128, loopback among them');
      const denials: readonly (readonly [string, Partial<DownloadJob>])[] = [
        ['denied port', { url: 'http://10.0.0.1:8080/a' }],
        ['metadata', { url: 'http://169.254.169.254/a' }],
        ['own part', { url: `http://${temporal.address}/a` }],
        ['denied address', { policy: { denyAddresses: ['127.0.0.1/32'] } }],
        ['allowed addresses', { policy: { onlyAddresses: ['10.0.0.0/8'] } }],
      ];
      for (const [rule, changes] of denials) {
        const fetch = await startFetch({ ...(await newJob('/denied')), ...changes });
        const failure = await failureOf(fetch);
        expect(failure.type).toBe('NotAllowed');
        expect(causeOf(failure)).toMatchObject({ kind: 'NotAllowed', rule });
        expect(host.log()).toContain(`"rule":"${rule}"`);
        expect(host.log()).toMatch(new RegExp(`"workflowId":"${fetch.workflowId}".*"activity":"download"`));
      }
      await host.stop();
      await joined(startHost({ urlAllow: '' }));
      const failure = await failureOf(await startFetch(await newJob('/denied')));
      expect(causeOf(failure)).toMatchObject({ rule: 'loopback' });
    });
    expect(server.seen('/denied').requests).toHaveLength(0);
  });

  test('takes every job at once, runs as many as its limit allows, and reports how many are ahead', async () => {
    server.serve('/stalled', { body: rawDisk(MIB), stallAfter: 4096 });
    await withControl(async () => {
      const host = startHost({ downloads: '1' });
      await joined(host);
      const first = await startFetch(await newJob('/stalled'));
      const second = await startFetch(await newJob('/stalled'));
      await until('one that waits', async () => {
        const found = await Promise.all([progressOf(first), progressOf(second)]);
        return found.some((progress) => progress?.phase === 'waiting' && progress.ahead === 0);
      });
      // Short jobs do not wait for the downloads.
      expect(await ask('describe')).toMatchObject({ pools: [{ name: 'lab' }] });
      await Promise.all([first.cancel(), second.cancel()]);
      for (const fetch of [first, second]) await expect(fetch.result()).rejects.toThrow(WorkflowFailedError);
    });
  });

  if (isFullRun) {
    test('inspects images by the limits of its settings, as a probe does', async () => {
      server.serve('/large', { body: qcow2Image({ virtualSize: 2n << 30n, l1Size: 4 }) });
      await withControl(async () => {
        await joined(startHost({ maxVirtualSize: '1' }));
        const job = { ...(await newJob('/large')), format: 'QCOW2' } as const;
        const { templateId, url, format } = job;
        const { urls } = await ask<ProbeReport>('look', { v: 1, templateId, url, format, budgetMs: 4000 });
        const reason = expect.stringContaining('at most 1073741824 are allowed') as string;
        expect(urls).toEqual([expect.objectContaining({ reachable: false, reason })]);
        const failure = await failureOf(await startFetch(job));
        expect(failure).toMatchObject({ type: 'HostileImage', message: reason });
      });
    });

    test('probes and reports progress while it reads and hashes a large file', async () => {
      server.serve('/probed', { body: rawDisk(MIB) });
      await withControl(async () => {
        await joined(startHost());
        // An existing file counts only by the registered checksum, here that of 1 GiB of zeros.
        const checksum = '{SHA-256}49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14';
        const job = { ...(await newJob('/never')), checksum };
        const file = await open(join(folder, 'pool', job.copyId), 'w');
        await file.truncate(1024 * MIB);
        await file.close();
        const fetch = await startFetch(job);
        const order: string[] = [];
        const ended = fetch.result().then(() => order.push('download'));
        await until('it hashes', async () => (await progressOf(fetch))?.phase === 'verifying');
        const { templateId, url, format } = await newJob('/probed');
        const found = await ask<ProbeReport>('look', { v: 1, templateId, url, format, budgetMs: 4000 });
        order.push('probe');
        expect(found).toMatchObject({ urls: [{ reachable: true }] });
        const { bytes: before = 0 } = (await progressOf(fetch)) ?? {};
        await until('a later beat', async () => ((await progressOf(fetch))?.bytes ?? Infinity) > before);
        await ended;
        expect(order).toEqual(['probe', 'download']);
      });
    });
  }

  test('reports HostGone when it is stopped, keeps the bytes, and continues from them after its restart', async () => {
    const body = rawDisk(4 * MIB);
    server.serve('/half', (n) => (n === 0 ? { body, stallAfter: 3 * MIB } : { body }));
    await withControl(async () => {
      const host = startHost();
      await joined(host);
      const job = await newJob('/half');
      const fetch = await startFetch(job);
      await until('most of the file', async () => ((await progressOf(fetch))?.bytes ?? 0) >= 3 * MIB);
      await host.stop();
      const failure = await failureOf(fetch);
      expect(failure.type).toBe('HostGone');
      const detail = failure.details?.[0] as DownloadFailure;
      expect(detail.tries).toEqual([expect.objectContaining({ bytes: 3 * MIB })]);
      expect(detail.pool?.parts?.[job.copyId]).toBeGreaterThanOrEqual(3 * MIB);
      await joined(startHost());
      const again = await startFetch({ ...job, attemptId: randomUUID() });
      expect(await again.result()).toMatchObject({ fetched: MIB });
    });
  });
});
