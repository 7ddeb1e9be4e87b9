/**
 * The host worker: one process on each KVM host. It runs activities only, opens one outbound connection to Temporal and has no
 * access to the database or the master key.
 *
 * The start: read all settings, lock the state folder, load the identity, connect to Temporal (retried until the server
 * answers), then poll two task queues, one for short jobs and one for transfers, while the host joins (retried until a control
 * worker answers). The process is ready when both workers poll and the host has joined.
 *
 * The stop: shut down the workers, which aborts downloads, wait until the transfer thread has ended, then release the lock.
 * What must never happen: that two processes of a host write to its pools. So the lock is taken before anything is written,
 * and released only after the transfer thread has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { createHostActivities, describeHost } from '../activities/host/activities.ts';
import type { HostActivities } from '../activities/host/activities.ts';
import type { HostActivityDeps } from '../activities/host/deps.ts';
import { unconfinedReason } from '../images/confinement.ts';
import { hostIdentity, hostQueue, startIdentity, transferQueue } from '../model/names.ts';
import { loadOrCreateIdentity } from '../trust/identity.ts';
import type { HostReport } from '../model/payloads.ts';
import type { Identity } from '../trust/identity.ts';
import { startHealthIfAsked } from './health.ts';
import type { Metrics } from './health.ts';
import { doorMetrics } from './door/metrics.ts';
import { watchHostDomains } from './host-domains.ts';
import { join } from './host-join.ts';
import type { JoinDeps } from './host-join.ts';
import { announcePolicy } from './host-policy.ts';
import { metricsText } from './metric-text.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import { hostAddress, hostNameOf, readInvite } from './host-settings.ts';
import { lockStateDir, openStateDir } from './host-state.ts';
import { connectTemporal, runWorkers } from './runtime.ts';
import type { Logger, Temporal } from './runtime.ts';
import { StartError } from './start-error.ts';
import type { Settings } from './settings.ts';
import { planActivities } from './host-plan.ts';
import { clientTracing, tracedWorker } from './tracing/traced.ts';
import type { Tracing } from './tracing/traced.ts';
import type { Plan } from './host-plan.ts';
import { runProcess } from './process.ts';

/** Every short job is taken at once: the turns of probes, not Temporal, limit how many probes run at a time. */
const QUICK_SLOTS = 1000;
/** Every transfer is taken at once: the scheduler, not Temporal, limits how many download at a time. */
const TRANSFER_SLOTS = 1000;
const POLLERS = 2;
const RECONNECT_MS = 5000;

/** Runs until a signal stops the process. */
export const run = (settings: Settings): Promise<void> => runProcess('host', settings, runHost);

export interface HostOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when the host must stop. */
  readonly stop: Promise<unknown>;
  /** What the process counts; default: nothing. */
  readonly metrics?: Pick<ProcessMetrics, 'families'> | undefined;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Replaces parts of what the activities work with, as simulated hosts do. Default: nothing. */
  readonly adapt?: (deps: HostActivityDeps) => HostActivityDeps;
}

/**
 * Resolves after an orderly stop, which aborts running downloads at once and keeps their bytes.
 * @throws StartError or SettingError when the host worker cannot start
 */
export async function runHost({
  settings,
  logger,
  stop,
  metrics,
  tracing,
  adapt = (deps) => deps,
}: HostOptions): Promise<void> {
  const about = {
    name: hostNameOf(settings),
    address: hostAddress(),
    zone: settings.required('zone'),
    cluster: settings.required('cluster'),
  };
  const stateDir = settings.text('stateDir');
  const stopping = new AbortController();
  const stopped = stop.then(() => stopping.abort(new Error('the host worker stops')));
  const build = planActivities(settings, { logger, signal: stopping.signal, traceTries: tracing?.tries });
  announcePolicy(settings, logger);
  await openStateDir(stateDir);
  const lock = await lockStateDir(stateDir);
  try {
    const identity = await loadOrCreateIdentity(stateDir);
    const plan = await build(identity, stateDir);
    const adapted = { ...plan, deps: adapt(plan.deps) };
    try {
      await work(adapted, identity, { settings, logger, metrics, tracing, stopping, stopped, about });
    } finally {
      // The lock must outlast the transfer thread: a free lock means that no process writes to a pool for this host.
      await plan.transfers.close();
      plan.deps.hypervisor?.close();
    }
  } finally {
    await lock.release();
  }
  logger.info('stopped');
}

interface Work extends Omit<HostOptions, 'stop' | 'adapt'>, Pick<Serving, 'stopping' | 'stopped'> {
  readonly about: Omit<JoinDeps['about'], 'incarnation'>;
}

async function work(
  { deps, virsh, transfers }: Plan,
  identity: Identity,
  { settings, logger, metrics, tracing, stopping, stopped, about }: Work,
): Promise<void> {
  const { hostId } = identity;
  const isStarting = (domain: string): boolean => deps.hypervisor?.isStarting(domain) === true;
  // libvirt may take seconds for its first answer, which nothing here needs.
  announce(await describeHost({ ...deps, describeHypervisor: undefined }), logger);
  const temporal = await connectPatiently(settings, identity, { logger, tracing, signal: stopping.signal });
  if (temporal === undefined) return;
  try {
    const { incarnation } = deps;
    const { client } = temporal;
    const { signal } = stopping;
    const joining = { client, identity, logger, signal, about: { ...about, incarnation } };
    const invite = (): Promise<string | undefined> => readInvite(settings.text('invite'));
    await serve(temporal, deps, {
      settings,
      stopping,
      stopped,
      tracing,
      metrics: async () =>
        metricsText('host', [...doorMetrics(transfers.doorCounts()), ...(metrics?.families() ?? [])]),
      async join() {
        const { limits } = await join({ ...joining, invite, report: () => describeHost(deps) });
        if (limits !== undefined) deps.limits.apply(limits);
      },
      watch: async () => {
        if (deps.hypervisor === undefined) return;
        await watchHostDomains({ virsh, isStarting, client, hostId, hostName: about.name, logger, signal });
      },
    });
  } finally {
    await temporal.connection.close();
  }
}

/** Logs the host's id and pools, and warns of problems and missing programs. */
function announce({ hostId, pools, programs, problems = [] }: HostReport, logger: Logger): void {
  logger.info({ hostId, pools: pools.map(({ name, path }) => `${name} at ${path}`) }, 'this is the host');
  const unmounted = pools.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`pool ${name}: ${problem}`],
  );
  const unconfined = unconfinedReason();
  for (const problem of [...problems, ...unmounted, ...(unconfined === undefined ? [] : [unconfined])])
    logger.warn(problem);
  for (const { name, version, purpose } of programs) {
    if (version === undefined) logger.info(`${name} is not installed: this host cannot ${purpose}`);
  }
}

/** Retries until Temporal answers, since hosts may boot before networks and servers. @returns undefined after an abort */
async function connectPatiently(
  settings: Settings,
  { hostId }: Identity,
  { logger, tracing, signal }: Pick<HostOptions, 'logger' | 'tracing'> & { readonly signal: AbortSignal },
): Promise<Temporal | undefined> {
  while (!signal.aborted) {
    try {
      return await connectTemporal(settings, { identity: hostIdentity(hostId), ...clientTracing(tracing) });
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
  readonly tracing: Tracing | undefined;
  readonly metrics: Metrics;
  /** Settles when a control worker has answered, or the host stops. */
  join(): Promise<unknown>;
  /** Called once the host has joined; settles when the host stops. */
  watch(): Promise<void>;
}

async function serve(temporal: Temporal, deps: HostActivityDeps, serving: Serving): Promise<void> {
  let workers: readonly Worker[] = [];
  let joined = false;
  const ready = (): boolean => joined && workers.every((worker) => worker.getState() === 'RUNNING');
  const health = await startHealthIfAsked(serving.settings, ready, serving.metrics);
  try {
    // Last, since workers that never run keep their connection from being closed.
    workers = await createWorkers(temporal, deps, createHostActivities(deps), serving.tracing);
    await runAndJoin(workers, serving, () => (joined = true));
  } finally {
    await health?.close();
  }
}

async function runAndJoin(workers: readonly Worker[], serving: Serving, onJoined: () => void): Promise<void> {
  const running = runWorkers(workers, serving.stopped);
  const joining = serving.join().then(
    () => {
      onJoined();
      return serving.watch();
    },
    () => undefined,
  );
  try {
    await running;
  } finally {
    serving.stopping.abort(new Error('the host worker stops'));
    await joining;
  }
}

/** Two queues with a worker each, so that a probe never waits for a download of 40 GB. */
function createWorkers(
  { connection, namespace }: Temporal,
  { hostId, incarnation }: Pick<HostActivityDeps, 'hostId' | 'incarnation'>,
  { quick, transfer }: HostActivities,
  tracing: Tracing | undefined,
): Promise<readonly Worker[]> {
  const shared = {
    ...tracedWorker(tracing),
    connection,
    namespace,
    identity: startIdentity(hostId, incarnation),
    maxConcurrentActivityTaskPolls: POLLERS,
    // Heartbeats carry progress and cancellation, so they must not be throttled for longer.
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
