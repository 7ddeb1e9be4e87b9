/**
 * Compiles the program, from which tests start threads, and starts one real PostgreSQL and one real Temporal server
 * for the
 * whole run. Tests get their addresses from the environment. Each test file has its own database and namespace
 * (postgres.ts, temporal.ts).
 */
import { join } from 'node:path';
import { marks, stages } from '../../dev/leftovers.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { freePorts } from '../../dev/ports.ts';
import { findTemporalCli } from '../../dev/temporal-cli.ts';
import { startTemporalServer } from '../../dev/temporal-server.ts';
import { ensureCompiled } from './ensure-built.ts';
import { openRunFolder, removeAbandonedRuns } from './run-folder.ts';
import { endServers, keepServers } from './run-servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function setUp(): Promise<void> {
  await ensureCompiled();
  await removeAbandonedRuns();
  const folder = await openRunFolder();
  const [postgresPort, temporalPort] = (await freePorts(2)) as [number, number];
  const cli = await findTemporalCli({
    print: (line) => void process.stderr.write(`${line}\n`),
    signal: new AbortController().signal,
  });
  const [postgres, temporal] = await Promise.allSettled([
    startPostgres({
      folder: join(folder, 'postgres'),
      port: postgresPort,
      logFile: join(folder, 'postgres.log'),
      durable: false,
      detached: false,
      env: { ...process.env, ...marks(folder, stages.postgres) },
    }),
    startTemporalServer({
      cli,
      port: temporalPort,
      logFile: join(folder, 'temporal.log'),
      detached: false,
      env: { ...process.env, ...marks(folder, stages.temporal) },
    }),
  ]);
  const started = [postgres, temporal].flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  keepServers({ folder, started });
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    // Jest runs no teardown after a failed setup.
    await endServers();
    throw postgres.status === 'rejected' ? postgres.reason : (temporal as PromiseRejectedResult).reason;
  }
  process.env['BYPASS_TEST_DATABASE_URL'] = postgres.value.url('postgres');
  process.env['BYPASS_TEST_TEMPORAL_ADDRESS'] = temporal.value.address;
  // Tests of processes use this path instead of searching again.
  process.env['TEMPORAL_CLI_PATH'] = cli;
}
