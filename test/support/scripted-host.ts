/** A host whose answers the test scripts: the row of a joined host, and plain functions on its queues. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { withProof } from '../../activities/host/proof.ts';
import type { Database } from '../../db/database.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { capabilitiesOf } from '../../model/capabilities.ts';
import { recordPoolReports } from '../../db/pools/pools.ts';
import { describeFailure, isFailureKind } from '../../model/failures.ts';
import type { HeldCertificate } from '../../model/certificate.ts';
import type { Failure } from '../../model/failures.ts';
import type { QuickActivities, TransferActivities, VmActivities } from '../../model/host-activities.ts';
import { hostQueue, startIdentity, transferQueue } from '../../model/names.ts';
import type { WantedCertificate } from '../../model/certificate-jobs.ts';
import type {
  DownloadFailure,
  DownloadJob,
  DownloadResult,
  HostReport,
  PoolReport,
} from '../../model/payloads.ts';
import type { Secrets, UrlReport } from '../../model/source.ts';
import { entryDigest, readCertificates } from '../../trust/certificates.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import type { VmSecrets } from '../../model/vm-payloads.ts';
import { openForHost, openVmSecrets } from '../../trust/sealing.ts';
import { scriptDomains, SCRIPTED_HYPERVISOR } from './scripted-domains.ts';
import type { ScriptedDomains } from './scripted-domains.ts';
import { deferred } from './deferred.ts';
import type { TestTemporal } from './temporal.ts';

/** Answers that replace immediate success. */
export type HostScript = Partial<QuickActivities & TransferActivities & VmActivities>;

export interface ScriptedHost {
  readonly hostId: string;
  readonly name: string;
  /** Received download jobs. */
  readonly jobs: readonly DownloadJob[];
  /** Its hypervisor. */
  readonly machines: ScriptedDomains;
  /** The reported pool; `setFree` changes it. */
  pool(): PoolReport;
  setFree(bytes: number): void;
  /** Whether the host's row says Up. */
  setUp(up: boolean): Promise<void>;
  /** Opens a box that was sealed for this host. */
  open(box: string, templateId: string): Promise<Secrets>;
  /** Opens a box with a machine's secrets that was sealed for this host. */
  openVm(box: string, vmId: string): Promise<VmSecrets>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Of every scripted host. */
export const FIRST_START = 'first';

export interface ScriptedHostOptions {
  readonly temporal: TestTemporal;
  readonly db: Database;
  readonly name: string;
  readonly zone: number;
  readonly cluster: number;
  readonly pool: { readonly id: string; readonly name: string; readonly shared: boolean };
  readonly dead: boolean;
  readonly script: HostScript;
  /** Its door, by the number of uploads; absent: it has none. */
  readonly uploads?: number;
}

export async function startScriptedHost(options: ScriptedHostOptions): Promise<ScriptedHost> {
  const { temporal, db, name, script } = options;
  const hostId = randomUUID();
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const signing = generateKeyPairSync('ed25519');
  const jobs: DownloadJob[] = [];
  let free = 1_000_000;
  const pool = (): PoolReport => ({
    id: options.pool.id,
    name: options.pool.name,
    type: options.pool.shared ? 'SharedMountPoint' : 'Filesystem',
    scope: options.pool.shared ? 'CLUSTER' : 'HOST',
    path: `/pools/${options.pool.name}`,
    capacity: Math.max(2_000_000, 2 * free),
    free,
    mounted: true,
  });
  const report = () => ({
    v: 1 as const,
    hostId,
    version: '1',
    pools: [pool()],
    programs: [],
    hypervisor: SCRIPTED_HYPERVISOR,
    ...spreading(options),
  });
  const machines = scriptDomains(hostId, pool);
  const activities: QuickActivities & TransferActivities & VmActivities = {
    ...machines.activities,
    probe: (job) => Promise.resolve({ v: 1, hostId, urls: [reachable(job.url)] }),
    describeHost: () => Promise.resolve(report()),
    setLimits: ({ limits: { revision, downloads = 2, rate = 0 } }) =>
      Promise.resolve({ ...report(), limits: { revision, downloads, rate } }),
    setPeerCredentials: () => Promise.resolve(report()),
    listPoolFiles: () => Promise.resolve({ v: 1, hostId, files: [], more: false }),
    filesInUse: () => Promise.resolve({ v: 1, hostId, names: [], copyIds: [] }),
    removePoolFiles: ({ files }) =>
      Promise.resolve({ v: 1, hostId, removed: files.map((file) => file.name), kept: [], pool: pool() }),
    changePeers: ({ to }) => Promise.resolve({ v: 1, hostId, trusted: to }),
    syncCertificates: ({ certificates }) =>
      Promise.resolve({ v: 1, hostId, held: certificates.map(heldOf), failed: {} }),
    raisePriority: () => Promise.resolve({ v: 1, hostId }),
    hashCopy: () => Promise.resolve({ v: 1, hostId, sha256: 'ab'.repeat(32) }),
    remove: () => Promise.resolve({ v: 1, hostId, files: 1, pool: pool() }),
    download: (job) => Promise.resolve(downloaded(hostId, job, pool())),
    ...script,
  };
  const { download, ...quick } = activities;
  const transfer = {
    async download(job: DownloadJob): Promise<DownloadResult> {
      jobs.push(job);
      return download(job);
    },
  };
  const signer = {
    hostId,
    sign: (text: string) => sign(null, Buffer.from(text), signing.privateKey).toString('base64url'),
  };
  let workers: readonly { readonly worker: Worker; readonly running: Promise<void> }[] = [];

  await insertRow(options, hostId, {
    sealing: rawPublicKey(publicKey),
    signing: rawPublicKey(signing.publicKey),
  });
  await recordPoolReports(db, hostId, [pool()]);

  const host: ScriptedHost = {
    hostId,
    name,
    jobs,
    machines,
    pool,
    setFree(bytes) {
      free = bytes;
    },
    async setUp(up) {
      const seen = new Date(Date.now() + (up ? 1 : -1) * 3_600_000);
      await db.updateTable('host').set({ last_seen: seen }).where('uuid', '=', hostId).execute();
    },
    open: (box, templateId) => openForHost(privateKey, box, { templateId, hostId }),
    openVm: (box, vmId) => openVmSecrets(privateKey, box, { vmId, hostId }),
    async start() {
      const common = {
        connection: temporal.connection,
        namespace: temporal.namespace,
        identity: startIdentity(hostId, FIRST_START),
        shutdownGraceTime: 0,
        shutdownForceTime: '1 second',
        // Heartbeats, and the cancellations that come back with them, are quick however long the time-out is.
        maxHeartbeatThrottleInterval: '500 ms',
      };
      const made = [
        await Worker.create({
          ...common,
          taskQueue: hostQueue(hostId),
          activities: withProof(signer, quick),
        }),
        await Worker.create({
          ...common,
          taskQueue: transferQueue(hostId),
          activities: withProof(signer, transfer),
        }),
      ];
      workers = made.map((worker) => ({ worker, running: worker.run().catch(() => undefined) }));
    },
    async stop() {
      for (const { worker } of workers) worker.shutdown();
      await Promise.all(workers.map(({ running }) => running));
      workers = [];
    },
  };
  if (!options.dead) await host.start();
  return host;
}

/** What a host with a door reports. */
function spreading({ name, uploads }: ScriptedHostOptions): Pick<HostReport, 'peer' | 'capabilities'> {
  if (uploads === undefined) return {};
  return {
    capabilities: capabilitiesOf([], PROTOCOLS),
    peer: {
      address: `${name}.test:8443`,
      uploads,
      rate: 0,
      certificateRequest: 'r',
      certificateEnds: new Date(Date.now() + 86_400_000).toISOString(),
    },
  };
}

async function insertRow(
  options: ScriptedHostOptions,
  hostId: string,
  keys: { readonly sealing: string; readonly signing: string },
): Promise<void> {
  const { db, name, zone, cluster } = options;
  const { peer, capabilities } = spreading(options);
  await db
    .insertInto('host')
    .values({
      uuid: hostId,
      name,
      data_center_id: zone,
      cluster_id: cluster,
      resource_state: 'Enabled',
      signing_key: keys.signing,
      sealing_key: keys.sealing,
      programs: '[]',
      hypervisor: JSON.stringify(SCRIPTED_HYPERVISOR),
      peer: peer === undefined ? null : JSON.stringify(peer),
      capabilities: capabilities === undefined ? null : JSON.stringify(capabilities),
      last_seen: new Date(Date.now() + 3_600_000),
    })
    .execute();
}

const der = (pem: string): readonly Uint8Array[] => readCertificates(pem).map(({ raw }) => raw);

/** A certificate as a keystore reports it. */
const heldOf = ({ alias, certificate, clientCertificate }: WantedCertificate): HeldCertificate => {
  return {
    alias,
    digest: entryDigest(
      der(certificate),
      clientCertificate === undefined ? undefined : der(clientCertificate),
    ),
  };
};

export const reachable = (url: string, changes: Partial<UrlReport> = {}): UrlReport => ({
  url,
  reachable: true,
  size: 1000,
  ranges: true,
  format: 'QCOW2',
  virtualSize: 4000,
  priority: 1,
  ...changes,
});

export const unreachable = (url: string, reason: string): UrlReport => ({
  url,
  reachable: false,
  reason,
  size: 0,
  ranges: false,
  virtualSize: 0,
  priority: 1,
});

export const downloaded = (hostId: string, job: DownloadJob, pool: PoolReport): DownloadResult => ({
  v: 1,
  hostId,
  size: job.size,
  physicalSize: job.size,
  virtualSize: job.size,
  fetched: job.size,
  sha256: 'ab'.repeat(32),
  installPath: job.copyId,
  localPath: `${pool.path}/${job.copyId}`,
  tries: [{ ...tried(job.url), bytes: job.size }],
  pool,
});

const tried = (source: string) => {
  const now = new Date().toISOString();
  return { source, startedAt: now, endedAt: now, bytes: 0 };
};

/** The failure of a download, as a host reports it. */
export function failed(
  hostId: string,
  job: DownloadJob,
  failure: Failure,
  pool?: PoolReport,
): ApplicationFailure {
  const detail: DownloadFailure = {
    v: 1,
    failure,
    hostId,
    tries: [{ ...tried(job.url), failure }],
    ...(pool === undefined ? {} : { pool }),
  };
  return ApplicationFailure.create({
    type: failure.kind,
    message: isFailureKind(failure.kind) ? describeFailure(failure) : failure.message,
    nonRetryable: true,
    details: [detail],
  });
}

/** A download that runs until it is cancelled, or released by the test. */
export function endless(): {
  readonly download: TransferActivities['download'];
  /** Called with the job when it starts. */
  readonly begun: Promise<DownloadJob>;
  release(result: DownloadResult): void;
} {
  const begun = deferred<DownloadJob>();
  const released = deferred<DownloadResult>();
  return {
    begun: begun.promise,
    release: (result) => released.resolve(result),
    async download(job) {
      const { cancelled } = Context.current();
      const progress = { v: 1, phase: 'downloading', bytes: 400, total: 1000, rate: 10, source: job.url };
      const beat = setInterval(() => Context.current().heartbeat(progress), 200);
      Context.current().heartbeat(progress);
      begun.resolve(job);
      try {
        return await Promise.race([released.promise, cancelled]);
      } catch (error) {
        if (!(error instanceof CancelledFailure)) throw error;
        throw new CancelledFailure(error.message, [{ v: 1, tries: [{ ...tried(job.url), bytes: 400 }] }]);
      } finally {
        clearInterval(beat);
      }
    },
  };
}

/** Rejects with the signal's reason once it is aborted. */
export const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
