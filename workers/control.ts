/** The control worker process: workflows and the activities that use the database. Several can run side by side. */
import { PROTOCOLS } from '../images/fetch/protocols/registry.ts';
import { Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { createControlActivities } from '../activities/control/activities.ts';
import type { Database } from '../db/database.ts';
import { hideQueries } from '../db/templates/hidden-queries.ts';
import { bindAll } from '../db/sealed.ts';
import { CONTROL_QUEUE } from '../model/names.ts';
import { createOrchestration } from '../orchestration/client.ts';
import { readWaits } from '../orchestration/waits.ts';
import { loadMasterKey } from '../trust/master-key.ts';
import type { MasterKey } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { createFigures } from './figures.ts';
import { startHealthIfAsked } from './health.ts';
import { metricsText } from './metric-text.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import { publishEndpoints, serverEndpoints } from './protected-endpoints.ts';
import { connectTemporal, requireWorkerListing, runWorkers } from './runtime.ts';
import type { Logger, Temporal } from './runtime.ts';
import { createSearchAttributes } from './search-attributes.ts';
import type { Settings } from './settings.ts';
import { clientTracing, tracedWorker } from './tracing/traced.ts';
import type { Tracing } from './tracing/traced.ts';
import { WORKFLOW_BUNDLE } from './workflow-bundle.ts';
import { withoutPromiseHooks } from './workflow-threads.ts';
import { runProcess } from './process.ts';

/** After the grace time, running activities are cancelled; after the force time, Temporal schedules them again elsewhere. */
const GRACE = '1 second';
const FORCE = '15 seconds';
const UPKEEP_CHECK_MS = 30_000;

/** Runs until a signal stops the process. */
export const run = (settings: Settings): Promise<void> => runProcess('control', settings, runControl);

export interface ControlOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when the control worker must stop. */
  readonly stop: Promise<unknown>;
  /** What the process counts; default: nothing. */
  readonly metrics?: Pick<ProcessMetrics, 'families'> | undefined;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Default: the bundle of the build. */
  readonly workflowBundle?: WorkerOptions['workflowBundle'];
}

/**
 * Resolves after an orderly stop.
 * @throws StartError or SettingError when the control worker cannot start
 */
export async function runControl({
  settings,
  logger,
  stop,
  metrics,
  tracing,
  workflowBundle,
}: ControlOptions): Promise<void> {
  const masterKey = await loadMasterKey(settings.required('masterKeyFile'));
  const db = await connectDatabase(settings);
  try {
    await sealOlder(db, masterKey, logger);
    const connected = await connectTemporal(settings, clientTracing(tracing));
    try {
      await requireWorkerListing(connected);
      await createSearchAttributes(connected);
      const orchestration = createOrchestration(connected.client);
      const options = {
        ...tracedWorker(tracing),
        workflowBundle: workflowBundle ?? { codePath: WORKFLOW_BUNDLE },
        activities: createControlActivities({ db, orchestration, masterKey, protocols: PROTOCOLS }),
        maxConcurrentActivityTaskExecutions: settings.number('activitySlots', 1),
      };
      const withdraw = await publishEndpoints({ db, logger }, serverEndpoints(settings, connected.address));
      try {
        const figures = createFigures({ db, waits: () => readWaits(connected.client) });
        const ensureUpkeep = async (): Promise<void> => {
          // A namespace that was made anew while the worker runs has none.
          await createSearchAttributes(connected);
          await orchestration.ensureUpkeep();
        };
        const create = (): Promise<Worker> => createWorker(connected, options);
        await serve({ settings, logger, stop, metrics, figures, ensureUpkeep, create });
      } finally {
        await withdraw();
      }
    } finally {
      await connected.connection.close();
    }
  } finally {
    await db.destroy();
  }
  logger.info('stopped');
}

/** Seals secrets that an earlier release stored in plain text, or sealed without naming their row. */
async function sealOlder(db: Database, masterKey: MasterKey, logger: Logger): Promise<void> {
  const { rows, broken } = await bindAll(db, masterKey);
  if (rows > 0) logger.info({ rows }, 'secrets of an earlier release were bound to what they belong to');
  if (broken.length > 0) logger.warn({ broken }, 'secrets cannot be opened with the master key');
  const urls = await hideQueries(db, masterKey);
  if (urls > 0) logger.info({ urls }, 'queries of URLs were sealed');
}

const createWorker = (
  { connection, namespace }: Temporal,
  options: Pick<
    WorkerOptions,
    'workflowBundle' | 'activities' | 'maxConcurrentActivityTaskExecutions' | 'interceptors'
  >,
): Promise<Worker> =>
  withoutPromiseHooks(() =>
    Worker.create({
      ...options,
      connection,
      namespace,
      taskQueue: CONTROL_QUEUE,
      shutdownGraceTime: GRACE,
      shutdownForceTime: FORCE,
    }),
  );

interface Serving extends ControlOptions {
  readonly figures: ReturnType<typeof createFigures>;
  /** Makes the namespace ready, and starts upkeep there unless it runs. */
  readonly ensureUpkeep: () => Promise<void>;
  /** Call it last, since a worker that never runs keeps its connection from being closed. */
  readonly create: () => Promise<Worker>;
}

async function serve({
  settings,
  logger,
  stop,
  metrics,
  figures,
  ensureUpkeep,
  create,
}: Serving): Promise<void> {
  const readMetrics = async (): Promise<string> => {
    try {
      return metricsText('control', [...(await figures()), ...(metrics?.families() ?? [])]);
    } catch (error) {
      logger.warn({ err: error }, 'the figures for /metrics could not be read');
      throw error;
    }
  };
  let worker: Worker | undefined;
  const health = await startHealthIfAsked(settings, () => worker?.getState() === 'RUNNING', readMetrics);
  const keeping = setInterval(() => void keepUpkeep(ensureUpkeep, logger), UPKEEP_CHECK_MS);
  try {
    worker = await create();
    const running = runWorkers([worker], stop);
    await keepUpkeep(ensureUpkeep, logger);
    logger.info(health === undefined ? {} : { healthPort: health.port }, 'ready');
    await running;
  } finally {
    clearInterval(keeping);
    await health?.close();
  }
}

/** Starts the upkeep workflow again after somebody ended it in Temporal's UI, or the namespace was lost. */
async function keepUpkeep(ensureUpkeep: Serving['ensureUpkeep'], logger: Logger): Promise<void> {
  try {
    await ensureUpkeep();
  } catch (error) {
    logger.warn({ err: error }, 'the upkeep workflow could not be started; trying again');
  }
}
