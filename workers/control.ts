/** The control worker: workflows, and what they do to the database. Run several for one Temporal namespace. */
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { createControlActivities } from '../activities/control.ts';
import type { Database } from '../db/database.ts';
import { CONTROL_QUEUE, SEARCH_ATTRIBUTES } from '../model/names.ts';
import { createOrchestration } from '../orchestration/client.ts';
import type { Orchestration } from '../orchestration/client.ts';
import { loadMasterKey } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { certificateMetrics } from './metrics.ts';
import { startHealthIfAsked } from './health.ts';
import { serversOf, tellParts } from './own-parts.ts';
import {
  connectTemporal,
  createLogger,
  installRuntime,
  requireWorkerListing,
  runWorkers,
  stopRequested,
} from './runtime.ts';
import type { Logger, Temporal } from './runtime.ts';
import type { Settings } from './settings.ts';
import { WORKFLOW_BUNDLE } from './workflow-bundle.ts';

/** Activities at a time; most of them only wait: for the database, or for another workflow. */
const ACTIVITY_SLOTS = 500;
/** Activities that are still under way after this are given back to be done again. */
const GRACE = '1 second';
const FORCE = '15 seconds';
const UPKEEP_CHECK_MS = 30_000;

/** Runs until it is told to stop. */
export async function run(settings: Settings): Promise<void> {
  const stop = stopRequested();
  const logger = createLogger(settings.text('logLevel'), 'control');
  installRuntime(logger);
  await runControl({ settings, logger, stop });
}

export interface ControlOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when it is to stop. */
  readonly stop: Promise<unknown>;
  /** Instead of the bundle that the build made. */
  readonly workflowBundle?: WorkerOptions['workflowBundle'];
}

/**
 * Resolves after an orderly stop.
 * @throws StartError or SettingError when it cannot start
 */
export async function runControl({ settings, logger, stop, workflowBundle }: ControlOptions): Promise<void> {
  const masterKey = await loadMasterKey(settings.required('masterKeyFile'));
  const db = await connectDatabase(settings);
  try {
    const connected = await connectTemporal(settings);
    try {
      await requireWorkerListing(connected);
      await createSearchAttributes(connected);
      const orchestration = createOrchestration(connected.client);
      const worker = await createWorker(connected, {
        workflowBundle: workflowBundle ?? { codePath: WORKFLOW_BUNDLE },
        activities: createControlActivities({ db, orchestration, masterKey }),
      });
      const forget = await tellParts({ db, logger }, serversOf(settings, connected.address));
      try {
        await serve({ settings, logger, stop, db, orchestration, worker });
      } finally {
        await forget();
      }
    } finally {
      await connected.connection.close();
    }
  } finally {
    await db.destroy();
  }
  logger.info('stopped');
}

const createWorker = (
  { connection, namespace }: Temporal,
  options: Pick<WorkerOptions, 'workflowBundle' | 'activities'>,
): Promise<Worker> =>
  Worker.create({
    ...options,
    connection,
    namespace,
    taskQueue: CONTROL_QUEUE,
    maxConcurrentActivityTaskExecutions: ACTIVITY_SLOTS,
    shutdownGraceTime: GRACE,
    shutdownForceTime: FORCE,
  });

interface Serving extends ControlOptions {
  readonly db: Database;
  readonly orchestration: Orchestration;
  readonly worker: Worker;
}

async function serve({ settings, logger, stop, db, orchestration, worker }: Serving): Promise<void> {
  const health = await startHealthIfAsked(
    settings,
    () => worker.getState() === 'RUNNING',
    () => certificateMetrics(db),
  );
  const keeping = setInterval(() => void keepUpkeep(orchestration, logger), UPKEEP_CHECK_MS);
  try {
    const running = runWorkers([worker], stop);
    await keepUpkeep(orchestration, logger);
    logger.info(health === undefined ? {} : { healthPort: health.port }, 'ready');
    await running;
  } finally {
    clearInterval(keeping);
    await health?.close();
  }
}

/** Somebody may have ended it in Temporal's UI. */
async function keepUpkeep(orchestration: Orchestration, logger: Logger): Promise<void> {
  try {
    await orchestration.ensureUpkeep();
  } catch (error) {
    logger.warn({ err: error }, 'the upkeep workflow could not be started; trying again');
  }
}

/** By number: the package of the types exports no names that Node can import from an ES module. */
const INDEXED_VALUE_TYPE_KEYWORD: temporal.api.enums.v1.IndexedValueType = 2;
const ALREADY_EXISTS = 6;

/** Made when missing. A server that does not let us, but has them, is fine too. */
async function createSearchAttributes({ connection, namespace }: Temporal): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes[name] === undefined);
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
    });
  } catch (error) {
    if ((error as { readonly code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
