/** What every process of Bypass does alike: logging, the connection to Temporal, and stopping in order. */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { LogLevel, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Settings } from './settings.ts';

export { createLogger } from './log.ts';
export type { Logger } from 'pino';

/** Something that a process cannot start without is missing; the message is a sentence for the operator. */
export class StartError extends Error {}

const HEARTBEAT = '10 seconds';
const CONNECT_MS = 10_000;
const GRPC = { notFound: 5, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;

/**
 * Sets Temporal's native part up. Once per process, before anything else of Temporal is used. Signals are ours:
 * Temporal would stop its workers by itself, before what depends on them.
 */
export function installRuntime(logger: Logger): void {
  Runtime.install({
    logger: bridge(logger),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
    workerHeartbeatInterval: HEARTBEAT,
    shutdownSignals: [],
  });
}

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What the SDK tells, and warns of, at each start and stop of a worker that is as it should be. */
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
  /** As a person reads it. */
  readonly address: string;
}

/**
 * Connects as @temporalio/envconfig says (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…, or its file), unless
 * settings name another address or namespace.
 * @throws StartError when the server does not answer, or has no such namespace
 */
export async function connectTemporal(settings: Settings, identity?: string): Promise<Temporal> {
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
  const client = new Client({ connection, namespace, ...(identity === undefined ? {} : { identity }) });
  return { connection, client, namespace, address };
}

/** `host:port`, wherever that is said. */
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
    const told = REFUSED.test((error as Error).message)
      ? refuses(address, 'access')
      : `Temporal does not answer at ${address} (${reason(error)}): start it, or set TEMPORAL_ADDRESS`;
    throw new StartError(told, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** How the native layer words the codes 7 and 16 of gRPC when the server does not even let it in. */
const REFUSED = /valid authentication credentials|not have permission/;

const refuses = (address: string, what: string): string =>
  `Temporal at ${address} refuses ${what}: check TEMPORAL_API_KEY or TEMPORAL_TLS_…`;

/** Of the native layer's debug text the part that a person understands. */
function reason(error: unknown): string {
  const { message } = error as Error;
  const told = /message: "([^"]*)"|"failed to lookup address[^"]*"/.exec(message);
  return (told?.[1] ?? told?.[0] ?? message).slice(0, 200);
}

function explain(error: unknown, namespace: string, address: string): Error {
  const { code } = error as { readonly code?: number };
  const told = (sentence: string): StartError => new StartError(sentence, { cause: error });
  if (code === GRPC.notFound) {
    return told(
      `Temporal at ${address} has no namespace '${namespace}': create it, or set TEMPORAL_NAMESPACE`,
    );
  }
  if (code === GRPC.permissionDenied || code === GRPC.unauthenticated) {
    return told(refuses(address, `access to namespace '${namespace}'`));
  }
  return told(`Temporal at ${address} cannot be used (${(error as Error).message})`);
}

/**
 * Liveness of hosts is read from the server's list of workers, so a server without one is of no use.
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
 * Resolves at the first signal to stop. Later ones change nothing: a terminal sends one to every process of the
 * group, and the supervisor sends another.
 */
export function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) process.on(signal, resolve);
  });
}

/**
 * Runs workers until `stop` resolves, then drains them all.
 * @throws what ended a worker before that; the others are drained first
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
