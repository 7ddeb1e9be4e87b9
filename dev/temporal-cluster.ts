/**
 * Temporal Server on PostgreSQL, as docker-compose.yml has it: the scripts of deploy/ make its roles, its databases and the
 * namespace; the server reads the same variables as its image. It runs as two nodes, since the second has only a frontend:
 * Temporal's clients reach either.
 */
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { createSearchAttributes } from '../workers/search-attributes.ts';
import { lastLines, startChild } from './child-process.ts';
import type { Child } from './child-process.ts';
import { deployFile, runDeployScript } from './deploy-script.ts';
import { freePorts } from './ports.ts';
import { readPassword } from './postgres.ts';
import type { Postgres } from './postgres.ts';
import { findProgram } from './search-path.ts';
import type { TemporalPrograms } from './temporal-build.ts';
import type { TemporalServer } from './temporal-server.ts';

export const SUPERUSER = 'postgres';
/** The role and the database of Bypass that deploy/postgres-roles.sh makes. */
const ROLE = 'bypass';

export interface ClusterDatabases {
  /** URL of the database of Bypass, with the role that owns it. */
  readonly bypassUrl: string;
  readonly port: number;
  readonly temporalPassword: string;
}

interface Preparation {
  readonly postgres: Postgres;
  /** Keeps the passwords of the roles. */
  readonly folder: string;
  readonly programs: TemporalPrograms;
  readonly searchPath: readonly string[];
  readonly signal: AbortSignal;
}

/** Makes what is missing, and brings Temporal's schema up to date. */
export async function prepareDatabases(preparation: Preparation): Promise<ClusterDatabases> {
  const { postgres, folder, programs, searchPath, signal } = preparation;
  const server = new URL(postgres.url('postgres'));
  const bypassPassword = await readPassword(join(folder, 'password-bypass'));
  const temporalPassword = await readPassword(join(folder, 'password-temporal'));
  if (!(await hasRole(server.href, 'temporal'))) {
    if ((await findProgram('psql', searchPath)) === undefined) {
      throw new Error(
        'The program psql was not found, which deploy/postgres-roles.sh calls: on Debian, apt-get install postgresql-client',
      );
    }
    await runDeployScript({
      name: 'postgres-roles.sh',
      signal,
      env: {
        PGHOST: server.hostname,
        PGPORT: server.port,
        PGPASSWORD: server.password,
        POSTGRES_USER: SUPERUSER,
        BYPASS_DATABASE_PASSWORD: bypassPassword,
        TEMPORAL_DATABASE_PASSWORD: temporalPassword,
      },
    });
  }
  await runDeployScript({
    name: 'temporal-schema.sh',
    signal,
    programs: [programs.folder],
    env: {
      SQL_PLUGIN: 'postgres12',
      SQL_HOST: server.hostname,
      SQL_PORT: server.port,
      SQL_USER: 'temporal',
      SQL_PASSWORD: temporalPassword,
      TEMPORAL_SCHEMAS: programs.schemas,
    },
  });
  const bypassUrl = Object.assign(new URL(server), {
    username: ROLE,
    password: bypassPassword,
    pathname: ROLE,
  });
  return { bypassUrl: bypassUrl.href, port: Number(server.port), temporalPassword };
}

async function hasRole(url: string, name: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query('select 1 from pg_roles where rolname = $1', [name])).rowCount === 1;
  } finally {
    await client.end();
  }
}

/** Each part of the server has two ports: one for calls, one by which the nodes find each other. */
const PORT_VARIABLES = [
  'FRONTEND_GRPC_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'FRONTEND_HTTP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
] as const;

/** What each node of a cluster runs. */
const NODES: readonly (readonly string[])[] = [['frontend', 'history', 'matching', 'worker'], ['frontend']];

export interface ClusterNode {
  readonly services: readonly string[];
  /** In the order of `PORT_VARIABLES`. The first is that of the frontend. */
  readonly ports: readonly number[];
}

/** Chooses free ports for the nodes of a cluster. */
export async function planNodes(): Promise<readonly ClusterNode[]> {
  const free = [...(await freePorts(NODES.length * PORT_VARIABLES.length))];
  return NODES.map((services) => ({ services, ports: free.splice(0, PORT_VARIABLES.length) }));
}

export const frontendPort = ({ ports: [frontend = 0] }: ClusterNode): number => frontend;

/** The variables of the server; docker-compose.yml has the same ones for its image. */
export const serverSettings = ({ port, temporalPassword }: ClusterDatabases): Record<string, string> => ({
  DB: 'postgres12',
  DB_PORT: String(port),
  POSTGRES_SEEDS: '127.0.0.1',
  POSTGRES_USER: 'temporal',
  POSTGRES_PWD: temporalPassword,
  BIND_ON_IP: '127.0.0.1',
  NUM_HISTORY_SHARDS: '128',
  DYNAMIC_CONFIG_FILE_PATH: deployFile('temporal-dynamic-config.yaml'),
});

export interface NodeOptions {
  readonly node: ClusterNode;
  readonly programs: TemporalPrograms;
  readonly databases: ClusterDatabases;
  readonly logFile: string;
  readonly detached: boolean;
  readonly env: NodeJS.ProcessEnv;
}

const READY_MS = 120_000;

/** @throws Error that says why the node does not start, with the end of its log */
export async function startNode(options: NodeOptions): Promise<TemporalServer> {
  const { node, programs, databases, logFile, detached, env } = options;
  const child = await startChild({
    command: join(programs.folder, 'temporal-server'),
    args: ['--allow-no-auth', 'start', ...node.services.flatMap((service) => ['--service', service])],
    env: {
      ...env,
      ...serverSettings(databases),
      ...Object.fromEntries(PORT_VARIABLES.map((name, at) => [name, String(node.ports[at])])),
      TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
      LOG_LEVEL: 'warn',
    },
    logFile,
    detached,
  });
  const stop = (): Promise<void> =>
    child.stop([
      ['SIGTERM', 20_000],
      ['SIGKILL', 5000],
    ]);
  const address = `127.0.0.1:${frontendPort(node)}`;
  try {
    await waitReady(address, child, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, address, stop };
}

async function waitReady(address: string, child: Child, logFile: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await answers(address))) {
    if (child.hasEnded() || performance.now() >= deadline) {
      const why = child.hasEnded() ? await child.ended : `did not answer within ${READY_MS / 1000} s`;
      throw new Error(`Temporal Server ${why}; the end of ${logFile}:\n${await lastLines(logFile, 8)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function answers(address: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: 2000 });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}

interface Namespace {
  readonly name: string;
  readonly address: string;
  /** Path of Temporal's CLI. */
  readonly cli: string;
  /** For a link to the CLI, under the name by which the script calls it. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Makes the namespace, and the search attributes in it. */
export async function prepareNamespace({ name, address, cli, folder, signal }: Namespace): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  await rm(join(folder, 'temporal'), { force: true });
  await symlink(cli, join(folder, 'temporal'));
  await runDeployScript({
    name: 'temporal-namespace.sh',
    signal,
    programs: [folder],
    env: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: name, TEMPORAL_CONFIG_FILE: '/dev/null' },
  });
  const connection = await Connection.connect({ address });
  try {
    await createSearchAttributes({ connection, namespace: name });
  } finally {
    await connection.close();
  }
}
