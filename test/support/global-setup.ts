/**
 * Compiles the program, from which tests start threads, and starts one real PostgreSQL and one real Temporal for the whole
 * run. Tests get their addresses from the environment. Each test file has its own database and namespace (postgres.ts,
 * temporal.ts).
 */
import { findTemporalCli } from '../../dev/temporal-cli.ts';
import { startEngine } from './engine.ts';
import { ensureCompiled } from './ensure-built.ts';
import { openRunFolder, removeAbandonedRuns } from './run-folder.ts';
import { endServers, keepServers } from './run-servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function setUp(): Promise<void> {
  await ensureCompiled();
  await removeAbandonedRuns();
  const folder = await openRunFolder();
  const cli = await findTemporalCli({
    print: (line) => void process.stderr.write(`${line}\n`),
    signal: new AbortController().signal,
  });
  const started: { stop(): Promise<void> }[] = [];
  keepServers({ folder, started });
  try {
    const engine = await startEngine({ folder, cli, onStarted: (server) => started.unshift(server) });
    process.env['BYPASS_TEST_DATABASE_URL'] = engine.databaseUrl;
    process.env['BYPASS_TEST_TEMPORAL_ADDRESS'] = engine.temporalAddress;
  } catch (error) {
    // Jest runs no teardown after a failed setup.
    await endServers();
    throw error;
  }
  // Tests of processes use this path instead of searching again.
  process.env['TEMPORAL_CLI_PATH'] = cli;
}
