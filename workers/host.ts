/** The host worker: one process on each KVM host. Activities only, one outbound connection, no database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { createHostCertificates } from '../activities/host-certificates.ts';
import { createHostActivities, describeHost } from '../activities/host.ts';
import type { HostActivities, HostActivityDeps } from '../activities/host.ts';
import { createHostLimiter } from '../activities/host-limits.ts';
import { createPools } from '../images/pools.ts';
import { reportPrograms } from '../images/programs.ts';
import { createScheduler } from '../images/scheduler.ts';
import type { Denied } from '../images/sources/guard.ts';
import { createSources } from '../images/sources/index.ts';
import { createTrust } from '../images/sources/trust.ts';
import { hostIdentity, hostQueue, transferQueue } from '../model/names.ts';
import { loadOrCreateIdentity } from '../trust/identity.ts';
import type { HostReport } from '../model/payloads.ts';
import type { Identity } from '../trust/identity.ts';
import { openKeystore } from '../trust/keystore.ts';
import { openForHost, openKeyForHost } from '../trust/sealing.ts';
import { startHealthIfAsked } from './health.ts';
import { join } from './host-join.ts';
import type { JoinDeps } from './host-join.ts';
import { announcePolicy, hostPolicy, hostProxies } from './host-policy.ts';
import {
  hostAddress,
  hostNameOf,
  inspectionLimits,
  parsePools,
  publishSettings,
  readInvite,
  sourceBudgets,
} from './host-settings.ts';
import { loadKnownPools, lockStateDir, openStateDir } from './host-state.ts';
import {
  connectTemporal,
  createLogger,
  installRuntime,
  runWorkers,
  StartError,
  stopRequested,
  temporalAddressOf,
} from './runtime.ts';
import type { Logger, Temporal } from './runtime.ts';
import type { Settings } from './settings.ts';
import { createTransfers } from './transfers.ts';
import type { Transfers } from './transfers.ts';
import { bypassVersion } from './version.ts';

const QUICK_SLOTS = 20;
/** The scheduler, not Temporal, decides how many download at a time, so that every job is taken at once. */
const TRANSFER_SLOTS = 1000;
const POLLERS = 2;
const RECONNECT_MS = 5000;

/** Runs until it is told to stop. */
export async function run(settings: Settings): Promise<void> {
  const stop = stopRequested();
  const logger = createLogger(settings.text('logLevel'), 'host');
  installRuntime(logger);
  await runHost({ settings, logger, stop });
}

export interface HostOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when the host is to stop. */
  readonly stop: Promise<unknown>;
}

/**
 * Resolves after an orderly stop. Downloads that run then are aborted at once; their bytes stay.
 * @throws StartError or SettingError when it cannot start
 */
export async function runHost({ settings, logger, stop }: HostOptions): Promise<void> {
  const about = {
    name: hostNameOf(settings),
    address: hostAddress(),
    zone: settings.required('zone'),
    cluster: settings.required('cluster'),
  };
  const stateDir = settings.text('stateDir');
  const build = planActivities(settings, logger);
  announcePolicy(settings, logger);
  await openStateDir(stateDir);
  const lock = await lockStateDir(stateDir);
  try {
    const identity = await loadOrCreateIdentity(stateDir);
    const plan = await build(identity, stateDir);
    try {
      await work(plan, identity, { settings, logger, stop, about });
    } finally {
      // The lock says that nobody writes on a pool for this host any more.
      await plan.transfers.close();
    }
  } finally {
    await lock.release();
  }
  logger.info('stopped');
}

async function work(
  { deps }: Plan,
  identity: Identity,
  { settings, logger, stop, about }: HostOptions & Pick<JoinDeps, 'about'>,
): Promise<void> {
  const stopping = new AbortController();
  const stopped = stop.then(() => stopping.abort(new Error('the host worker stops')));
  announce(await describeHost(deps), logger);
  const temporal = await connectPatiently(settings, identity, { logger, signal: stopping.signal });
  if (temporal === undefined) return;
  try {
    const joining = { client: temporal.client, identity, logger, signal: stopping.signal, about };
    const invite = (): Promise<string | undefined> => readInvite(settings.text('invite'));
    await serve(temporal, deps, {
      settings,
      stopping,
      stopped,
      async join() {
        const { limits } = await join({ ...joining, invite, report: () => describeHost(deps) });
        if (limits !== undefined) deps.limits.apply(limits);
      },
    });
  } finally {
    await temporal.connection.close();
  }
}

/** What the operator should know about this host from its first lines. */
function announce({ hostId, pools, programs, problems = [] }: HostReport, logger: Logger): void {
  logger.info({ hostId, pools: pools.map(({ name, path }) => `${name} at ${path}`) }, 'this is the host');
  const unmounted = pools.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`pool ${name}: ${problem}`],
  );
  for (const problem of [...problems, ...unmounted]) logger.warn(problem);
  for (const { name, version, purpose } of programs) {
    if (version === undefined) logger.info(`${name} is not installed: this host cannot ${purpose}`);
  }
}

interface Plan {
  readonly deps: HostActivityDeps;
  readonly transfers: Transfers;
}

/** Reads all settings first, so that a wrong one is told before anything is touched. */
function planActivities(
  settings: Settings,
  logger: Logger,
): (identity: Identity, stateDir: string) => Promise<Plan> {
  const configs = parsePools(settings.required('pools'));
  const own = { downloads: settings.number('downloads', 1), rate: settings.number('rateLimit') };
  const connections = settings.number('connections', 1);
  const publish = publishSettings(settings);
  const limits = inspectionLimits(settings);
  const unpack = { maxRatio: settings.number('unpackRatio', 1) };
  const sources = {
    ...sourceBudgets(settings),
    policy: hostPolicy(settings, temporalAddressOf(settings)),
    proxies: hostProxies(settings),
  };
  const onDenied = ({ url, rule, address }: Denied): void =>
    logger.warn({ url, rule, address }, 'the URL policy refused a URL');
  const version = bypassVersion();
  return async ({ hostId, sealingPrivateKey, sign }, stateDir) => {
    const transfers = createTransfers({
      settings: {
        hostId,
        sources,
        keystoreDir: stateDir,
        rate: own.rate,
        publish,
        limits,
        unpack,
        connections,
      },
      logger,
      onDenied,
    });
    const scheduler = createScheduler({ limit: own.downloads });
    const setRate = (bytesPerSecond: number): void => transfers.setRate(bytesPerSecond);
    const keystore = openKeystore(stateDir);
    const trust = createTrust(keystore);
    const deps: HostActivityDeps = {
      hostId,
      sign,
      version,
      pools: createPools(configs, await loadKnownPools(stateDir)),
      scheduler,
      limits: createHostLimiter({ own, scheduler, setRate }),
      certificates: createHostCertificates(keystore, (sealed, certificateId) =>
        openKeyForHost(sealingPrivateKey, sealed, { certificateId, hostId }),
      ),
      probes: { sources: createSources({ ...sources, trust, onDenied }), limits, unpack },
      download: (request, rules) => transfers.download(request, rules),
      openSealed: async ({ sealed, templateId }) =>
        sealed === undefined ? undefined : openForHost(sealingPrivateKey, sealed, { templateId, hostId }),
      programs: () => reportPrograms(),
      onFailure: (activity, error) =>
        logger.warn({ activity, kind: error.kind, err: error }, `${activity} failed`),
    };
    return { deps, transfers };
  };
}

/** Hosts come up before networks and servers do. @returns undefined when told to stop meanwhile */
async function connectPatiently(
  settings: Settings,
  { hostId }: Identity,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<Temporal | undefined> {
  while (!signal.aborted) {
    try {
      return await connectTemporal(settings, hostIdentity(hostId));
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      logger.warn(`${error.message}; next try in ${RECONNECT_MS / 1000} s`);
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

interface Serving {
  readonly settings: Settings;
  readonly stopping: AbortController;
  readonly stopped: Promise<unknown>;
  /** Never ends before it is answered, or the host stops. */
  join(): Promise<unknown>;
}

async function serve(temporal: Temporal, deps: HostActivityDeps, serving: Serving): Promise<void> {
  const workers = await createWorkers(temporal, deps.hostId, createHostActivities(deps));
  let joined = false;
  const ready = (): boolean => joined && workers.every((worker) => worker.getState() === 'RUNNING');
  const health = await startHealthIfAsked(serving.settings, ready);
  const running = runWorkers(workers, serving.stopped);
  const joining = serving.join().then(
    () => (joined = true),
    () => undefined,
  );
  try {
    await running;
  } finally {
    serving.stopping.abort(new Error('the host worker stops'));
    await joining;
    await health?.close();
  }
}

/** A probe never waits behind 40 GB: two queues, so two workers. */
function createWorkers(
  { connection, namespace }: Temporal,
  hostId: string,
  { quick, transfer }: HostActivities,
): Promise<readonly Worker[]> {
  const shared = {
    connection,
    namespace,
    identity: hostIdentity(hostId),
    maxConcurrentActivityTaskPolls: POLLERS,
    // Progress and cancellation travel with heartbeats.
    maxHeartbeatThrottleInterval: '1 second',
    defaultHeartbeatThrottleInterval: '1 second',
    shutdownGraceTime: 0,
    shutdownForceTime: '10 seconds',
  } as const;
  return Promise.all([
    Worker.create({
      ...shared,
      taskQueue: hostQueue(hostId),
      activities: { ...quick },
      maxConcurrentActivityTaskExecutions: QUICK_SLOTS,
    }),
    Worker.create({
      ...shared,
      taskQueue: transferQueue(hostId),
      activities: { ...transfer },
      maxConcurrentActivityTaskExecutions: TRANSFER_SLOTS,
    }),
  ]);
}
