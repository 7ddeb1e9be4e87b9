/**
 * One PostgreSQL and one Temporal server for the whole run, both real. Their addresses reach the tests by environment.
 * Test files keep out of each other's way with a database and a namespace of their own (postgres.ts, temporal.ts).
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../workers/dev/postgres.ts';
import { freePorts } from '../../workers/dev/ports.ts';
import { findTemporalCli } from '../../workers/dev/temporal-cli.ts';
import { startTemporalServer } from '../../workers/dev/temporal-server.ts';
import { keepServers } from './servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function setUp(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-test-'));
  const [postgresPort, temporalPort] = (await freePorts(2)) as [number, number];
  const cli = await findTemporalCli({
    tell: (line) => void process.stderr.write(`${line}\n`),
    signal: new AbortController().signal,
  });
  const common = { env: process.env, detached: false } as const;
  const [postgres, temporal] = await Promise.all([
    startPostgres({
      ...common,
      folder: join(folder, 'postgres'),
      port: postgresPort,
      logFile: join(folder, 'postgres.log'),
      durable: false,
    }),
    startTemporalServer({ ...common, cli, port: temporalPort, logFile: join(folder, 'temporal.log') }),
  ]);
  process.env['BYPASS_TEST_DATABASE_URL'] = postgres.url('postgres');
  process.env['BYPASS_TEST_TEMPORAL_ADDRESS'] = temporal.address;
  // Tests of processes find it without a look at the ways again.
  process.env['TEMPORAL_CLI_PATH'] = cli;
  keepServers({ folder, postgres, temporal });
}
