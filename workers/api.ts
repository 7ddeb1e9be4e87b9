/** The api: stateless, so several can run. */
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createCallLimit } from '../api/call-limit.ts';
import { loadPage } from '../api/page.ts';
import { buildServer } from '../api/server.ts';
import { createSessionMemory } from '../api/session-memory.ts';
import { createSharedAnswers } from '../api/shared-answers.ts';
import type { Database } from '../db/database.ts';
import { createOrchestration } from '../orchestration/client.ts';
import { loadMasterKey } from '../trust/master-key.ts';
import { followServerTls, loadServerTls } from './api-tls.ts';
import { connectDatabase } from './database.ts';
import { partsOfApi, publicUrls, serversOf, tellParts } from './own-parts.ts';
import {
  connectTemporal,
  createLogger,
  installRuntime,
  requireWorkerListing,
  StartError,
  stopRequested,
} from './runtime.ts';
import type { Logger, Temporal } from './runtime.ts';
import { label, type Settings } from './settings.ts';
import { bypassVersion, installationFolder } from './version.ts';

const READY_MS = 2000;
const SECOND = 1000;
/** With one name from one address, in a minute. */
const FAILED_LOGINS = 10;

/** Runs until it is told to stop. */
export async function run(settings: Settings): Promise<void> {
  const stop = stopRequested();
  const logger = createLogger(settings.text('logLevel'), 'api');
  installRuntime(logger);
  await runApi({ settings, logger, stop });
}

export interface ApiOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when the api is to stop. */
  readonly stop: Promise<unknown>;
  /** Told where it listens. */
  readonly onListening?: (port: number) => void;
}

/**
 * Resolves after an orderly stop: calls that run are answered first.
 * @throws StartError, SecretFileError or SettingError when it cannot start
 */
export async function runApi({ settings, logger, stop, onListening }: ApiOptions): Promise<void> {
  const address = settings.text('apiAddress');
  const port = settings.number('apiPort');
  publicUrls(settings);
  const masterKey = await loadMasterKey(settings.required('masterKeyFile'));
  const tls = await loadServerTls(settings);
  const db = await connectDatabase(settings);
  try {
    const temporal = await connectTemporal(settings, `api:${process.pid}`);
    try {
      await requireWorkerListing(temporal);
      const server = buildServer({
        db,
        masterKey,
        orchestration: createOrchestration(temporal.client),
        now: () => new Date(),
        calls: createCallLimit(settings.number('apiCalls'), SECOND),
        logins: createCallLimit(FAILED_LOGINS, 60 * SECOND),
        sessionIdle: settings.number('sessionIdle', 1) * 60,
        ready: () => isReady(db, temporal),
        sessions: createSessionMemory(),
        answers: createSharedAnswers(),
        installation: {
          version: bypassVersion(),
          temporalUiUrl: settings.text('temporalUiUrl'),
          temporalNamespace: temporal.namespace,
        },
        page: loadPage(join(installationFolder(), 'dist/ui')),
        logger,
        tls,
      });
      await server.listen({ host: address, port }).catch((error: unknown) => {
        throw explainListening(error, address, port);
      });
      const taken = (server.server.address() as AddressInfo).port;
      logger.info({ address, port: taken, tls: tls !== undefined }, 'the api listens');
      const parts = [...serversOf(settings, temporal.address), ...partsOfApi(settings, taken)];
      const forget = await tellParts({ db, logger }, parts);
      onListening?.(taken);
      const following = tls && followServerTls({ settings, logger }, server.server as unknown as Server, tls);
      await stop;
      following?.();
      await server.close();
      await forget();
    } finally {
      await temporal.connection.close();
    }
  } finally {
    await db.destroy();
  }
  logger.info('stopped');
}

function explainListening(error: unknown, address: string, port: number): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program listens on ${address}:${port}: choose another ${label('apiPort')}`,
    EACCES: `port ${port} is not for this user: choose one from 1024 on with ${label('apiPort')}`,
    EADDRNOTAVAIL: `this machine has no address ${address}: correct ${label('apiAddress')}`,
  };
  return new StartError(`The api cannot listen: ${reasons[code ?? ''] ?? message}`, { cause: error });
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
