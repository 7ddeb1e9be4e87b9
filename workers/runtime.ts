/** What all processes of Bypass share: the set-up of Temporal's SDK, the connection to Temporal, and the orderly stop. */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Client } from '@temporalio/client';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { LogLevel, MetricsBuffer, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { awaitNewAttributes } from './new-attributes.ts';
import type { Settings } from './settings.ts';
import { StartError } from './start-error.ts';

export { createLogger } from './log.ts';
export type { Logger } from 'pino';

const HEARTBEAT = '10 seconds';
const CONNECT_MS = 10_000;
const GRPC = { notFound: 5, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;

/**
 * Sets up the native layer of Temporal's SDK. Call it once per process, before any other use of the SDK. The SDK handles no
 * signals: it would stop workers before the rest of the process is ready to stop.
 * @param metrics receives the metrics of the SDK; default: none are kept
 */
export function installRuntime(logger: Logger, metrics?: MetricsBuffer): void {
  Runtime.install({
    logger: bridge(logger),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(metrics === undefined ? {} : { metrics: { buffer: metrics } }),
    },
    workerHeartbeatInterval: HEARTBEAT,
    shutdownSignals: [],
  });
}

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Messages and warnings that the SDK logs at each normal start and stop of a worker. */
const ROUTINE = /^Worker state changed$|^No (?:workflows|Nexus services) registered/;

function bridge(logger: Logger): DefaultLogger {
  return new DefaultLogger(temporalLevel(logger.level), ({ level, message, meta }) => {
    const { error, ...rest } = meta ?? {};
    const write = ROUTINE.test(message) ? 'debug' : PINO_LEVEL[level];
    logger[write](error === undefined ? rest : { ...rest, err: error }, message);
  });
}

const temporalLevel = (level: string): LogLevel =>
  (Object.keys(PINO_LEVEL) as LogLevel[]).find(
    (name) => PINO_LEVEL[name as keyof typeof PINO_LEVEL] === level,
  ) ?? 'ERROR';

export interface Temporal {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  /** `host:port`. */
  readonly address: string;
}

export interface ConnectOptions {
  /** Shown in Temporal's UI. Default: process id and host name. */
  readonly identity?: string;
  /** Of calls to workflows. Default: none. */
  readonly interceptors?: readonly WorkflowClientInterceptor[];
}

/**
 * Connects to Temporal by the configuration of @temporalio/envconfig (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…,
 * or its file). The settings may override address and namespace.
 * @throws StartError when the server does not answer, or has no such namespace
 */
export async function connectTemporal(
  settings: Settings,
  { identity, interceptors = [] }: ConnectOptions = {},
): Promise<Temporal> {
  const config = loadClientConnectConfig();
  const address = temporalAddressOf(settings);
  const namespace = settings.text('temporalNamespace') || config.namespace || 'default';
  const connection = await connect({ ...config.connectionOptions, address }, address);
  try {
    await connection.withDeadline(Date.now() + CONNECT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    await connection.close();
    throw explain(error, namespace, address);
  }
  const client = new Client({
    connection,
    namespace,
    interceptors: { workflow: [...interceptors, awaitNewAttributes] },
    ...(identity === undefined ? {} : { identity }),
  });
  return { connection, client, namespace, address };
}

/** `host:port` of Temporal: from the settings, else from @temporalio/envconfig, else the default. */
export const temporalAddressOf = (settings: Settings): string =>
  settings.text('temporalAddress') || loadClientConnectConfig().connectionOptions.address || 'localhost:7233';

type ConnectionOptions = Parameters<typeof NativeConnection.connect>[0];

async function connect(options: ConnectionOptions, address: string): Promise<NativeConnection> {
  let timer: NodeJS.Timeout | undefined;
  const connecting = NativeConnection.connect(options);
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
  });
  try {
    return await Promise.race([connecting, late]);
  } catch (error) {
    void connecting.then((connection) => connection.close()).catch(() => undefined);
    const sentence = REFUSED.test((error as Error).message)
      ? refuses(address, 'access')
      : `Temporal does not answer at ${address} (${reason(error)}): start it, or set TEMPORAL_ADDRESS`;
    throw new StartError(sentence, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Texts of the native layer for gRPC's codes 7 and 16 when the server refuses the connection. */
const REFUSED = /valid authentication credentials|not have permission/;

const refuses = (address: string, what: string): string =>
  `Temporal at ${address} refuses ${what}: check TEMPORAL_API_KEY or TEMPORAL_TLS_…`;

/** The part of the native layer's debug text that a person understands. */
function reason(error: unknown): string {
  const { message } = error as Error;
  const found = /message: "([^"]*)"|"failed to lookup address[^"]*"/.exec(message);
  return (found?.[1] ?? found?.[0] ?? message).slice(0, 200);
}

function explain(error: unknown, namespace: string, address: string): Error {
  const { code } = error as { readonly code?: number };
  const startError = (sentence: string): StartError => new StartError(sentence, { cause: error });
  if (code === GRPC.notFound) {
    return startError(
      `Temporal at ${address} has no namespace '${namespace}': create it, or set TEMPORAL_NAMESPACE`,
    );
  }
  if (code === GRPC.permissionDenied || code === GRPC.unauthenticated) {
    return startError(refuses(address, `access to namespace '${namespace}'`));
  }
  return startError(`Temporal at ${address} cannot be used (${(error as Error).message})`);
}

/**
 * Checks that the server lists workers, since Bypass reads from that list whether hosts live.
 * @throws StartError
 */
export async function requireWorkerListing({ connection, namespace, address }: Temporal): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CONNECT_MS, () =>
      connection.workflowService.listWorkers({ namespace, pageSize: 1 }),
    );
  } catch (error) {
    const { code } = error as { readonly code?: number };
    if (code !== GRPC.unimplemented) throw explain(error, namespace, address);
    throw new StartError(
      `Temporal at ${address} cannot list its workers, by which Bypass sees whether hosts live: ` +
        'run a newer Temporal server (Bypass is tested with 1.32)',
      { cause: error },
    );
  }
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Resolves at the first signal to stop. Later signals change nothing: a terminal signals every process of the group, and
 * the supervisor signals them again.
 */
export function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) process.on(signal, resolve);
  });
}

/**
 * Runs workers until `stop` resolves, then drains all of them.
 * @throws the error of a worker that failed before, after all others are drained
 */
export async function runWorkers(workers: readonly Worker[], stop: Promise<unknown>): Promise<void> {
  const failed = new AbortController();
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  const failure = new Promise((resolve) => {
    failed.signal.addEventListener('abort', resolve, { once: true });
  });
  const outcome = Promise.allSettled(runs);
  await Promise.race([stop, failure]);
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  for (const result of await outcome) if (result.status === 'rejected') throw result.reason;
}
