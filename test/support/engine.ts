/**
 * What a test run runs Bypass on, decided in one place: by BYPASS_TEST_ENGINE, which `npm run test:cluster` sets, without it
 * Temporal's development server; and by BYPASS_TEST_POSTGRES, the folder of an npm package of another PostgreSQL, which
 * `npm run test:full` sets.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBalancer } from '../../dev/balancer-process.ts';
import { readEngine } from '../../dev/engine.ts';
import type { Engine } from '../../dev/engine.ts';
import { readDevEnvironment } from '../../dev/environment.ts';
import { marks, stages } from '../../dev/leftovers.ts';
import type { Stage } from '../../dev/leftovers.ts';
import { freePorts } from '../../dev/ports.ts';
import { readPackage } from '../../dev/postgres-binaries.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { temporalPrograms } from '../../dev/temporal-build.ts';
import {
  SUPERUSER,
  frontendPort,
  planNodes,
  prepareDatabases,
  startNode,
} from '../../dev/temporal-cluster.ts';
import { startTemporalServer } from '../../dev/temporal-server.ts';

export const engineOfRun = (): Engine => readEngine(process.env['BYPASS_TEST_ENGINE'] ?? 'development');

/** Whether the run is on the production engine. */
export const isClusterRun = (): boolean => engineOfRun() === 'cluster';

interface Stoppable {
  stop(): Promise<void>;
}

export interface Engines {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

export interface EngineOptions {
  /** Folder of the run. */
  readonly folder: string;
  /** Path of Temporal's CLI. */
  readonly cli: string;
  /** Called with each server once it runs, in the order of their starts. */
  readonly onStarted: (server: Stoppable) => void;
}

/** Starts PostgreSQL and Temporal for a whole run. PostgreSQL syncs nothing, since nobody needs the data later. */
export const startEngine = (options: EngineOptions): Promise<Engines> =>
  isClusterRun() ? startCluster(options) : startDevelopment(options);

const environmentOf = (folder: string, stage: Stage): NodeJS.ProcessEnv => ({
  ...process.env,
  ...marks(folder, stage),
});

async function passable(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o711);
}

async function startDatabase({ folder, onStarted }: EngineOptions, port: number, superuser?: string) {
  const other = process.env['BYPASS_TEST_POSTGRES'];
  // PostgreSQL 15 leaves its folder for a moment, and returns to it by its path.
  if (other !== undefined) for (const path of [folder, join(folder, 'postgres')]) await passable(path);
  const postgres = await startPostgres({
    folder: join(folder, 'postgres'),
    port,
    ...(other === undefined ? {} : { package: await readPackage(other) }),
    ...(superuser === undefined ? {} : { superuser }),
    logFile: join(folder, 'postgres.log'),
    durable: false,
    detached: false,
    env: environmentOf(folder, stages.postgres),
  });
  onStarted(postgres);
  return postgres;
}

async function startDevelopment(options: EngineOptions): Promise<Engines> {
  const { folder, cli, onStarted } = options;
  const [postgresPort, temporalPort] = (await freePorts(2)) as [number, number];
  const [postgres, temporal] = await Promise.allSettled([
    startDatabase(options, postgresPort),
    startTemporalServer({
      cli,
      port: temporalPort,
      logFile: join(folder, 'temporal.log'),
      detached: false,
      env: environmentOf(folder, stages.temporal),
    }),
  ]);
  if (temporal.status === 'rejected') throw temporal.reason;
  onStarted(temporal.value);
  if (postgres.status === 'rejected') throw postgres.reason;
  return { databaseUrl: postgres.value.url('postgres'), temporalAddress: temporal.value.address };
}

const print = (line: string): void => void process.stderr.write(`${line}\n`);

async function startCluster(options: EngineOptions): Promise<Engines> {
  const { folder, onStarted } = options;
  const [postgresPort, temporalPort] = (await freePorts(2)) as [number, number];
  const { signal } = new AbortController();
  const environment = readDevEnvironment(process.env);
  const programs = await temporalPrograms({ print, signal, environment });
  const postgres = await startDatabase(options, postgresPort, SUPERUSER);
  const databases = await prepareDatabases({
    postgres,
    folder: join(folder, 'postgres'),
    programs,
    searchPath: environment.searchPath,
    signal,
  });
  const nodes = await planNodes();
  const env = environmentOf(folder, stages.temporal);
  for (const [at, node] of nodes.entries()) {
    const logFile = join(folder, `temporal${at + 1}.log`);
    onStarted(await startNode({ node, programs, databases, logFile, detached: false, env }));
  }
  const routes = [{ address: '127.0.0.1', port: temporalPort, targets: nodes.map(frontendPort) }];
  const logFile = join(folder, 'balancer.log');
  const balancing = environmentOf(folder, stages.balancer);
  onStarted(await startBalancer({ routes, logFile, detached: false, env: balancing }));
  return { databaseUrl: postgres.url('postgres'), temporalAddress: `127.0.0.1:${temporalPort}` };
}
