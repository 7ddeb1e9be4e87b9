/** The api process. It keeps no state of its own, so that several can run side by side. */
import { PROTOCOLS } from '../images/fetch/protocols/registry.ts';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { createCallLimit } from '../api/server/call-limit.ts';
import { loadPage } from '../api/server/page.ts';
import { buildServer } from '../api/server/server.ts';
import { createSessionMemory } from '../api/server/session-memory.ts';
import { watchJobEnds } from '../api/server/job-ends.ts';
import { createSharedAnswers } from '../api/server/shared-answers.ts';
import type { Database } from '../db/database.ts';
import { createFairQueue } from '../model/fair-queue.ts';
import { createOrchestration } from '../orchestration/client.ts';
import { compiledFile } from '../platform/installation.ts';
import { loadMasterKey } from '../trust/master-key.ts';
import { followServerTls, loadServerTls } from './api-tls.ts';
import { connectDatabase } from './database.ts';
import { startHealthIfAsked } from './health.ts';
import { explainListening } from './listening.ts';
import { metricsText } from './metric-text.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import { apiEndpoints, publicUrls, publishEndpoints, serverEndpoints } from './protected-endpoints.ts';
import { connectTemporal, requireWorkerListing } from './runtime.ts';
import type { Logger, Temporal } from './runtime.ts';
import type { Settings } from './settings.ts';
import { clientTracing } from './tracing/traced.ts';
import type { Tracing } from './tracing/traced.ts';
import { trustedProxies } from './trusted-proxies.ts';
import { bypassVersion } from './version.ts';
import { runProcess } from './process.ts';

const READY_MS = 2000;
const SECOND = 1000;
/** Failed logins in a minute with one user name from one address. */
const FAILED_LOGINS = 10;

/** Concurrent and waiting calls of one user. */
const CALLS_UNDER_WAY = { slotsPerOwner: 32, maxWaitingPerOwner: 500 };

/** Runs until a signal stops the process. */
export const run = (settings: Settings): Promise<void> => runProcess('api', settings, runApi);

export interface ApiOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when the api must stop. */
  readonly stop: Promise<unknown>;
  /** Called with the port once the api listens. */
  readonly onListening?: (port: number) => void;
  /** What the process counts; default: nothing. */
  readonly metrics?: Pick<ProcessMetrics, 'count' | 'families'> | undefined;
  /** Default: nothing is traced. */
  readonly tracing?: Pick<Tracing, 'call' | 'clientInterceptors'> | undefined;
}

/**
 * Resolves after an orderly stop, which answers running calls first.
 * @throws StartError, SecretFileError or SettingError when the api cannot start
 */
export async function runApi({
  settings,
  logger,
  stop,
  onListening,
  metrics,
  tracing,
}: ApiOptions): Promise<void> {
  const place = { address: settings.text('apiAddress'), port: settings.number('apiPort') };
  const urls = publicUrls(settings);
  const proxies = trustedProxies(settings);
  const masterKey = await loadMasterKey(settings.required('masterKeyFile'));
  const tls = await loadServerTls(settings);
  const db = await connectDatabase(settings);
  try {
    const temporal = await connectTemporal(settings, {
      identity: `api:${process.pid}`,
      ...clientTracing(tracing),
    });
    try {
      await requireWorkerListing(temporal);
      const ready = (): Promise<boolean> => isReady(db, temporal);
      const server = buildServer({
        db,
        masterKey,
        protocols: PROTOCOLS,
        orchestration: createOrchestration(temporal.client),
        now: () => new Date(),
        calls: createCallLimit({
          db,
          kind: 'calls',
          allowed: settings.number('apiCalls'),
          windowMs: SECOND,
        }),
        logins: createCallLimit({ db, kind: 'logins', allowed: FAILED_LOGINS, windowMs: 60 * SECOND }),
        sessionIdle: settings.number('sessionIdle', 1) * 60,
        ready,
        onAnswered({ command, status, ms }) {
          metrics?.count('bypass_api_calls_total', 1, { command, code: String(status) });
          metrics?.count('bypass_api_call_duration_seconds', ms / SECOND);
        },
        ...(tracing === undefined ? {} : { trace: tracing.call }),
        sessions: createSessionMemory(),
        answers: createSharedAnswers(),
        jobEnds: watchJobEnds(db),
        turns: createFairQueue(CALLS_UNDER_WAY),
        installation: {
          version: bypassVersion(),
          temporalUiUrl: settings.text('temporalUiUrl'),
          temporalNamespace: temporal.namespace,
        },
        page: loadPage(compiledFile('ui')),
        logger,
        tls,
        trustedProxies: proxies,
        isPublicByTls: urls.length > 0 && urls.every((url) => new URL(url).protocol === 'https:'),
      });
      const health = await startHealthIfAsked(settings, ready, async () =>
        metricsText('api', metrics?.families() ?? []),
      );
      try {
        await serve(server, { settings, logger, stop, onListening, db, temporal, tls, ...place });
      } finally {
        await health?.close();
      }
    } finally {
      await temporal.connection.close();
    }
  } finally {
    await db.destroy();
  }
  logger.info('stopped');
}

interface Serving extends Pick<ApiOptions, 'settings' | 'logger' | 'stop'> {
  readonly onListening: ApiOptions['onListening'] | undefined;
  readonly db: Database;
  readonly temporal: Temporal;
  readonly tls: Awaited<ReturnType<typeof loadServerTls>>;
  readonly address: string;
  readonly port: number;
}

async function serve(
  server: FastifyInstance,
  { settings, logger, stop, onListening, db, temporal, tls, address, port }: Serving,
): Promise<void> {
  await server.listen({ host: address, port }).catch((error: unknown) => {
    const settingsOf = { portSetting: 'apiPort', addressSetting: 'apiAddress' } as const;
    throw explainListening(error, { what: 'The api', address, port, ...settingsOf });
  });
  const taken = (server.server.address() as AddressInfo).port;
  logger.info({ address, port: taken, tls: tls !== undefined }, 'the api listens');
  const parts = [...serverEndpoints(settings, temporal.address), ...apiEndpoints(settings, taken)];
  const withdraw = await publishEndpoints({ db, logger }, parts);
  onListening?.(taken);
  const following = tls && followServerTls({ settings, logger }, server.server as unknown as Server, tls);
  await stop;
  following?.();
  await server.close();
  await withdraw();
}

async function isReady(db: Database, { connection, namespace }: Temporal): Promise<boolean> {
  await Promise.all([
    sql`select 1`.execute(db),
    connection.withDeadline(Date.now() + READY_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    ),
  ]);
  return true;
}
