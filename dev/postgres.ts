/** Initialises, starts and stops PostgreSQL on this machine, for `npm start` and the tests. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { errnoOf } from '../platform/errno.ts';
import { lastLines, startChild } from './child-process.ts';
import type { Child } from './child-process.ts';
import { makePrivateFolder, postgresBinaries } from './postgres-binaries.ts';
import type { Package, PostgresBinaries } from './postgres-binaries.ts';
import { runProgram } from './run-program.ts';

export interface PostgresOptions {
  /** Folder of PostgreSQL's data directory `data` and of its password. */
  readonly folder: string;
  readonly port: number;
  /** Name of the superuser, given when the data directory is made. Default: bypass. */
  readonly superuser?: string;
  readonly logFile: string;
  /** Whether data survives a power failure. Tests switch this off, because it makes them faster. */
  readonly durable: boolean;
  /** Its programs. Default: those of the npm package that Bypass depends on. */
  readonly package?: Package;
  readonly detached: boolean;
  readonly env: NodeJS.ProcessEnv;
}

export interface Postgres {
  readonly child: Child;
  url(database: string): string;
  stop(): Promise<void>;
}

const USER = 'bypass';
const INIT_MS = 60_000;
const READY_MS = 60_000;

/**
 * The path of the data directory that PostgreSQL is given. PostgreSQL (from 16) starts in that directory and never leaves it, and
 * this path does not pass the folders above, which PostgreSQL's user may not be able to enter.
 */
const DATA_DIRECTORY = '/proc/self/cwd';

/** @throws Error that says why PostgreSQL does not start, with the end of its log */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const data = join(options.folder, 'data');
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const binaries = await postgresBinaries(data, options.package);
  const password = await readPassword(join(options.folder, 'password'));
  const { superuser = USER } = options;
  await initialise({ data, binaries, superuser, password, env: options.env });
  const child = await startChild({
    command: join(binaries.folder, 'postgres'),
    args: ['-D', DATA_DIRECTORY, ...configuration(options)],
    cwd: data,
    env: options.env,
    ...binaries.runAs,
    logFile: options.logFile,
    detached: options.detached,
  });
  const url = (database: string): string =>
    `postgres://${superuser}:${password}@127.0.0.1:${options.port}/${database}`;
  const stop = (): Promise<void> =>
    // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one; neither waits for clients.
    child.stop([
      ['SIGINT', 30_000],
      ['SIGQUIT', 5000],
      ['SIGKILL', 5000],
    ]);
  try {
    await waitReady(url('postgres'), child, options.logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, url, stop };
}

const configuration = ({ port, durable }: PostgresOptions): readonly string[] =>
  Object.entries({
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** Reads a password from its file, or generates one at the first start. */
export async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const password = randomBytes(24).toString('hex');
  await writeFile(path, `${password}\n`, { mode: 0o600, flush: true });
  return password;
}

interface Initialisation {
  readonly data: string;
  readonly binaries: PostgresBinaries;
  readonly superuser: string;
  readonly password: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Initialises under a temporary name and renames at the end, so that `data` is complete or absent. */
async function initialise({ data, binaries, superuser, password, env }: Initialisation): Promise<void> {
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version !== undefined) return requireVersion(data, version.trim(), binaries.majorVersion);
  const unfinished = `${data}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await makePrivateFolder(unfinished, binaries.runAs);
  const run = async (program: string, args: readonly string[], input?: string): Promise<void> => {
    const outcome = await runProgram(join(binaries.folder, program), args, {
      cwd: unfinished,
      env,
      timeoutMs: INIT_MS,
      ...binaries.runAs,
      ...(input === undefined ? {} : { input }),
    });
    if (outcome.code === 0) return;
    const output = (outcome.stderr || outcome.stdout).trim();
    throw new Error(`PostgreSQL's data could not be made in ${unfinished}: ${output}`);
  };
  const choices = [
    `--username=${superuser}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    '--no-sync',
  ];
  await run('initdb', ['-D', DATA_DIRECTORY, '--auth=trust', ...choices]);
  await run(
    'postgres',
    ['--single', '-D', DATA_DIRECTORY, 'postgres'],
    `alter role ${superuser} password '${password}'\n`,
  );
  await writeFile(join(unfinished, 'pg_hba.conf'), ACCESS);
  await rename(unfinished, data);
}

/** pg_hba.conf: connections from this machine, with the password. */
const ACCESS = 'host all all 127.0.0.1/32 scram-sha-256\n';

function requireVersion(data: string, found: string, expected: number): void {
  if (found === String(expected)) return;
  throw new Error(
    `${data} is of PostgreSQL ${found}, but this program brings PostgreSQL ${expected}: ` +
      'dump it with the version that made it, or start with another --data-dir',
  );
}

async function waitReady(url: string, child: Child, logFile: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    if (await answers(url)) return;
    if (child.hasEnded() || performance.now() >= deadline) {
      const why = child.hasEnded() ? await child.ended : `did not answer within ${READY_MS / 1000} s`;
      throw new Error(`PostgreSQL ${why}; the end of ${logFile}:\n${await lastLines(logFile, 5)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  // Without a listener, a server that stops during the attempt would end this process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Creates a database unless one of that name exists. */
export async function createDatabase(postgres: Postgres, name: string): Promise<void> {
  const client = new Client({ connectionString: postgres.url('postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
