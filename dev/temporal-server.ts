/** Starts and stops Temporal's development server on this machine. */
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../model/names.ts';
import { lastLines, startChild } from './child-process.ts';
import type { Child } from './child-process.ts';

export interface TemporalServerOptions {
  /** Path of Temporal's CLI. */
  readonly cli: string;
  readonly port: number;
  /** Port of the Web UI. Default: no Web UI. */
  readonly uiPort?: number;
  /** File of the server's database. Default: in memory. */
  readonly databaseFile?: string;
  readonly namespace?: string;
  /** Values `name=JSON`, added to those that Bypass needs. */
  readonly dynamicConfig?: readonly string[];
  readonly logFile: string;
  readonly detached: boolean;
  readonly env: NodeJS.ProcessEnv;
}

export interface TemporalServer {
  readonly child: Child;
  readonly address: string;
  stop(): Promise<void>;
}

const READY_MS = 60_000;

/**
 * Priorities are exact only within a partition of a queue, and a queue has four by default. Bypass reads from the list of
 * workers whether a host lives; older servers have this list switched off.
 */
const DYNAMIC_CONFIG = [
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'frontend.WorkerHeartbeatsEnabled=true',
  'frontend.ListWorkersEnabled=true',
];

/** @throws Error that says why the server does not start, with the end of its log */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { cli, logFile, detached, env } = options;
  const child = await startChild({ command: cli, args: commandLine(options), env, logFile, detached });
  const stop = (): Promise<void> =>
    child.stop([
      ['SIGTERM', 15_000],
      ['SIGKILL', 5000],
    ]);
  try {
    await waitReady(options, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, address: addressOf(options), stop };
}

/** One write to the disk for each transaction; SQLite's own default makes, syncs and removes a file for each. */
const WRITE_AHEAD = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'];
const START = ['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn', '--ui-disable-news-fetch'];

function commandLine({
  port,
  uiPort,
  databaseFile,
  namespace,
  dynamicConfig = [],
}: TemporalServerOptions): readonly string[] {
  return [
    ...START,
    '--port',
    String(port),
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(databaseFile === undefined ? [] : ['--db-filename', databaseFile, ...WRITE_AHEAD]),
    ...(namespace === undefined || namespace === 'default' ? [] : ['--namespace', namespace]),
    ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ...[...DYNAMIC_CONFIG, ...dynamicConfig].flatMap((entry) => ['--dynamic-config-value', entry]),
  ];
}

const addressOf = ({ port }: TemporalServerOptions): string => `127.0.0.1:${port}`;

async function waitReady(options: TemporalServerOptions, child: Child): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await answers(addressOf(options), options.namespace ?? 'default'))) {
    if (child.hasEnded() || performance.now() >= deadline) {
      const why = child.hasEnded() ? await child.ended : `did not answer within ${READY_MS / 1000} s`;
      const log = await lastLines(options.logFile, 5);
      throw new Error(`Temporal's development server ${why}; the end of ${options.logFile}:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function answers(address: string, namespace: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: 2000 });
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
