/** Starts PostgreSQL and Temporal for an installation, unless its plan names other servers. */
import { existsSync } from 'node:fs';
import { replaceFile } from '../platform/replace-file.ts';
import type { DataFolder } from './data-folder.ts';
import { readDevEnvironment } from './environment.ts';
import type { Engine } from './engine.ts';
import type { Ports } from './plan.ts';
import type { Postgres } from './postgres.ts';
import { DATABASE, nodeService, postgresService, temporalService } from './services.ts';
import type { Start } from './start.ts';
import type { Service } from './supervisor.ts';
import { temporalPrograms } from './temporal-build.ts';
import type { TemporalPrograms } from './temporal-build.ts';
import { StartError } from '../workers/start-error.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { SUPERUSER, frontendPort, prepareDatabases, prepareNamespace } from './temporal-cluster.ts';
import type { ClusterDatabases, ClusterNode } from './temporal-cluster.ts';

export interface Servers {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** Empty when this start runs no Web UI. */
  readonly temporalUiUrl: string;
  /** Undefined when the plan names another server. */
  readonly postgres: Service | undefined;
  /** Empty when the plan names another server. */
  readonly temporal: readonly Service[];
  /** Path of the configuration of Temporal's clients for the servers of this start. */
  readonly clientConfig: string;
}

/** The development server, and PostgreSQL, side by side. */
export async function startDevelopment(context: Start, ports: Ports): Promise<Servers> {
  requireEngine(context, 'development');
  const outcome = await Promise.allSettled([startDatabase(context, ports), startTemporal(context, ports)]);
  context.deps.signal.throwIfAborted();
  const [database, temporal] = outcome;
  if (database.status === 'rejected') throw database.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  return { ...database.value, ...temporal.value };
}

type Database = Pick<Servers, 'databaseUrl' | 'postgres'>;
type Temporal = Omit<Servers, keyof Database>;

async function startDatabase(context: Start, ports: Ports): Promise<Database> {
  const { databaseUrl } = context.plan;
  if (databaseUrl !== undefined) return { databaseUrl, postgres: undefined };
  const service = postgresService(settingOf(context), ports.postgres);
  const postgres = await startPostgres(context, service, ports);
  return { databaseUrl: postgres.url(DATABASE), postgres: service };
}

async function startPostgres(
  { supervisor, deps }: Start,
  service: Service<Postgres>,
  { postgres: port }: Ports,
): Promise<Postgres> {
  const postgres = await supervisor.start(service);
  deps.print(`PostgreSQL answers on port ${port}`);
  return postgres;
}

async function startTemporal(context: Start, ports: Ports): Promise<Temporal> {
  const { plan, folder, supervisor, deps } = context;
  const clientConfig = folder.temporalClient;
  if (plan.temporalAddress !== undefined) {
    return { temporalAddress: plan.temporalAddress, temporalUiUrl: '', temporal: [], clientConfig };
  }
  const cli = await findTemporalCli(deps);
  deps.signal.throwIfAborted();
  const place = { cli, port: ports.temporal, uiPort: ports.temporalUi, namespace: plan.temporalNamespace };
  const service = temporalService(settingOf(context), place);
  await supervisor.start(service);
  const temporalAddress = await writeAddress(folder, ports.temporal);
  deps.print(`Temporal's development server answers on port ${ports.temporal}`);
  return {
    temporalAddress,
    temporalUiUrl: `http://127.0.0.1:${ports.temporalUi}`,
    temporal: [service],
    clientConfig,
  };
}

/** PostgreSQL, then the nodes of Temporal Server on it. Clients reach these through the balancer, at `ports.temporal`. */
export async function startCluster(
  context: Start,
  ports: Ports,
  nodes: readonly ClusterNode[],
): Promise<Servers> {
  requireEngine(context, 'cluster');
  const { plan, folder, deps } = context;
  const environment = readDevEnvironment(deps.env);
  const programs = await temporalPrograms({ ...deps, environment });
  const cli = await findTemporalCli(deps);
  deps.signal.throwIfAborted();
  const postgresOfCluster = postgresService(settingOf(context), ports.postgres, SUPERUSER);
  const postgres = await startPostgres(context, postgresOfCluster, ports);
  const { signal } = deps;
  const { searchPath } = environment;
  const databases = await prepareDatabases({
    postgres,
    folder: folder.postgres,
    programs,
    searchPath,
    signal,
  });
  const temporalAddress = await writeAddress(folder, ports.temporal);
  const prepare = (address: string): Promise<void> =>
    prepareNamespace({
      name: plan.temporalNamespace,
      address,
      cli,
      folder: folder.temporalPrograms,
      signal,
    });
  const temporal = await startNodes(context, { nodes, programs, databases, prepare });
  deps.print(`Temporal Server answers on port ${ports.temporal}, by ${temporal.length} frontends`);
  return {
    databaseUrl: databases.bypassUrl,
    temporalAddress,
    temporalUiUrl: '',
    postgres: postgresOfCluster,
    temporal,
    clientConfig: folder.temporalClient,
  };
}

interface Nodes {
  readonly nodes: readonly ClusterNode[];
  readonly programs: TemporalPrograms;
  readonly databases: ClusterDatabases;
  /** Makes the namespace, by the node at this address. */
  readonly prepare: (address: string) => Promise<void>;
}

/**
 * One after the other: the later ones find the first, which has all parts of the server, and the namespace with its search
 * attributes. A frontend that had looked for those before would not know them for a minute; the first may be such a one, and
 * then starts wait (workers/new-attributes.ts).
 */
async function startNodes(
  context: Start,
  { nodes, programs, databases, prepare }: Nodes,
): Promise<readonly Service[]> {
  const services = nodes.map((node, at) =>
    nodeService(settingOf(context), at + 1, { node, programs, databases }),
  );
  for (const [at, service] of services.entries()) {
    await context.supervisor.start(service);
    const port = frontendPort(nodes[at] as ClusterNode);
    context.deps.print(`${service.name} answers on port ${port}`);
    if (at === 0) await prepare(`127.0.0.1:${port}`);
  }
  return services;
}

async function writeAddress({ temporalClient }: DataFolder, port: number): Promise<string> {
  const address = `127.0.0.1:${port}`;
  await replaceFile(temporalClient, `[profile.default]\naddress = "${address}"\n`);
  return address;
}

const settingOf = ({ folder, deps: { env } }: Start) => ({ folder, env });

/** Only one of the two engines can go on with what lies in a data folder. */
function requireEngine({ folder }: Start, wanted: Engine): void {
  const made: Engine | undefined = existsSync(folder.temporalDatabase)
    ? 'development'
    : existsSync(folder.clusterPassword)
      ? 'cluster'
      : undefined;
  if (made === undefined || made === wanted) return;
  throw new StartError(
    `What lies in ${folder.root} is of the engine '${made}': start it with --engine ${made}, or give another --data-dir`,
  );
}
