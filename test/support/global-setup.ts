/**
 * One PostgreSQL and one Temporal server for the whole run, both real. Their addresses reach the tests by environment.
 * Test files keep out of each other's way with a database and a namespace of their own (postgres.ts, temporal.ts).
 */
import { join } from 'node:path';
import { marks, stages } from '../../workers/dev/leftovers.ts';
import { startPostgres } from '../../workers/dev/postgres.ts';
import { freePorts } from '../../workers/dev/ports.ts';
import { findTemporalCli } from '../../workers/dev/temporal-cli.ts';
import { startTemporalServer } from '../../workers/dev/temporal-server.ts';
import { openRunFolder, removeAbandonedRuns } from './run-folder.ts';
import { endServers, keepServers } from './servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function setUp(): Promise<void> {
  await removeAbandonedRuns();
  const folder = await openRunFolder();
  const [postgresPort, temporalPort] = (await freePorts(2)) as [number, number];
  const cli = await findTemporalCli({
    tell: (line) => void process.stderr.write(`${line}\n`),
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
    // Jest does not tear down what it could not set up.
    await endServers();
    throw postgres.status === 'rejected' ? postgres.reason : (temporal as PromiseRejectedResult).reason;
  }
  process.env['BYPASS_TEST_DATABASE_URL'] = postgres.value.url('postgres');
  process.env['BYPASS_TEST_TEMPORAL_ADDRESS'] = temporal.value.address;
  // Tests of processes find it without a look at the ways again.
  process.env['TEMPORAL_CLI_PATH'] = cli;
}
