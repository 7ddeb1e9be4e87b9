/**
 * Starts a whole installation on this machine. The order: end processes that an earlier start left behind; choose ports;
 * start PostgreSQL and Temporal side by side, unless the plan names other servers; prepare the database; start the control
 * worker, the api and the hosts; wait until each answers and the API lists all hosts and pools.
 *
 * The supervisor owns every process from its first moment on. When a step fails or the signal is aborted, `bringUp` stops
 * the supervisor before it throws: a failed start must never leave a process behind, and never touch a process of another
 * data folder.
 */
import { createClient } from '../cli/client.ts';
import type { ApiClient } from '../cli/client.ts';
import type { DataFolder } from './data-folder.ts';
import { prepareInstallation } from './prepare-installation.ts';
import { endLeftovers } from './leftovers.ts';
import type { Plan, Ports } from './plan.ts';
import { choosePorts } from './port-choice.ts';
import type { ChosenPorts } from './port-choice.ts';
import { lookAtHosts, lookAtPools, lookAtProcess, waitFor } from './readiness.ts';
import type { Pool } from './readiness.ts';
import type { ReadyFile } from './ready-file.ts';
import {
  DATABASE,
  apiService,
  controlService,
  hostName,
  hostService,
  ownPool,
  postgresService,
  sharedPool,
  temporalService,
} from './services.ts';
import type { PoolPlace, Setting } from './services.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { createSupervisor } from './supervisor.ts';
import type { Service, Supervisor } from './supervisor.ts';
import { findTemporalCli } from './temporal-cli.ts';

export interface StackDeps {
  /** Prints one line for the person at the terminal. */
  readonly print: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** Called after the supervisor has replaced a process: `ready()` returns another pid from then on. */
  readonly onRestart: () => void;
}

export interface Stack {
  readonly client: ApiClient;
  readonly databaseUrl: string;
  ready(): ReadyFile;
  /** Ends every process; a process ends before those that it needs. */
  stop(): Promise<void>;
}

/**
 * @throws StartError when the installation cannot start, the signal's reason when aborted; no process is left then
 */
export async function bringUp(plan: Plan, folder: DataFolder, deps: StackDeps): Promise<Stack> {
  const supervisor = createSupervisor(deps);
  try {
    const leftovers = await endLeftovers(folder);
    if (leftovers > 0) deps.print(`Ended ${leftovers} processes that an earlier start left behind`);
    return { ...(await start({ plan, folder, supervisor, deps })), stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

interface Start {
  readonly plan: Plan;
  readonly folder: DataFolder;
  readonly supervisor: Supervisor;
  readonly deps: StackDeps;
}

async function start(context: Start): Promise<Pick<Stack, 'client' | 'databaseUrl' | 'ready'>> {
  const { plan, folder, supervisor, deps } = context;
  const { ports, health, doors } = await choosePorts(plan);
  const servers = await startServers(context, ports);
  const { databaseUrl, temporalAddress } = servers;
  const masterKeyFile = plan.masterKeyFile ?? folder.masterKey;
  const admin = await prepareInstallation(folder, { databaseUrl, masterKeyFile, hosts: plan.hosts });
  deps.signal.throwIfAborted();

  const setting = { folder, env: childEnvironment(plan, deps.env, servers) };
  const temporalUiUrl = servers.temporal === undefined ? '' : `http://127.0.0.1:${ports.temporalUi}`;
  const places = { ports, health, doors, databaseUrl, masterKeyFile, temporalUiUrl };
  const processes = await startProcesses(context, setting, places);
  const origin = `http://${reachable(plan.apiAddress)}:${ports.api}`;
  const { apiKey, secretKey } = admin;
  const apiUrl = `${origin}/client/api`;
  const client = createClient({ url: apiUrl, origin: 'npm start', apiKey, secretKey });
  const pools = await waitUntilReady(context, { processes, client, health });
  const ready = (): ReadyFile => ({
    apiUrl,
    pageUrl: `${origin}/`,
    temporalAddress,
    temporalUiUrl,
    ...admin,
    pids: {
      control: supervisor.pid(processes.control),
      api: supervisor.pid(processes.api),
      hosts: processes.hosts.map((host) => supervisor.pid(host)),
      temporal: supervisor.pid(servers.temporal),
      postgres: supervisor.pid(servers.postgres),
    },
    pools,
  });
  return { client, databaseUrl, ready };
}

interface Servers {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** Undefined when the plan names another server. */
  readonly postgres: Service | undefined;
  readonly temporal: Service | undefined;
  /** Path of the configuration of Temporal's clients for the development server. */
  readonly clientConfig: string;
}

async function startServers(context: Start, ports: Ports): Promise<Servers> {
  const outcome = await Promise.allSettled([startDatabase(context, ports), startTemporal(context, ports)]);
  context.deps.signal.throwIfAborted();
  const [database, temporal] = outcome;
  if (database.status === 'rejected') throw database.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  return { ...database.value, ...temporal.value };
}

type Database = Pick<Servers, 'databaseUrl' | 'postgres'>;
type Temporal = Omit<Servers, keyof Database>;

async function startDatabase({ plan, folder, supervisor, deps }: Start, ports: Ports): Promise<Database> {
  if (plan.databaseUrl !== undefined) return { databaseUrl: plan.databaseUrl, postgres: undefined };
  const service = postgresService({ folder, env: deps.env }, ports.postgres);
  const postgres = await supervisor.start(service);
  deps.print(`PostgreSQL answers on port ${ports.postgres}`);
  return { databaseUrl: postgres.url(DATABASE), postgres: service };
}

async function startTemporal({ plan, folder, supervisor, deps }: Start, ports: Ports): Promise<Temporal> {
  const clientConfig = folder.temporalClient;
  if (plan.temporalAddress !== undefined) {
    return { temporalAddress: plan.temporalAddress, temporal: undefined, clientConfig };
  }
  const cli = await findTemporalCli(deps);
  deps.signal.throwIfAborted();
  const place = { cli, port: ports.temporal, uiPort: ports.temporalUi, namespace: plan.temporalNamespace };
  const service = temporalService({ folder, env: deps.env }, place);
  await supervisor.start(service);
  const temporalAddress = `127.0.0.1:${ports.temporal}`;
  await replaceFile(clientConfig, `[profile.default]\naddress = "${temporalAddress}"\n`);
  deps.print(`Temporal's development server answers on port ${ports.temporal}`);
  return { temporalAddress, temporal: service, clientConfig };
}

/** The environment of the started processes: the address of Temporal, and the log level. */
const childEnvironment = (plan: Plan, env: NodeJS.ProcessEnv, servers: Servers): NodeJS.ProcessEnv => ({
  ...(servers.temporal === undefined ? env : withoutTemporal(env, servers.clientConfig)),
  BYPASS_TEMPORAL_ADDRESS: servers.temporalAddress,
  BYPASS_TEMPORAL_NAMESPACE: plan.temporalNamespace,
  BYPASS_LOG_LEVEL: plan.logLevel,
});

/** Removes TLS settings, keys and profiles that this user has for another Temporal server. */
const withoutTemporal = (env: NodeJS.ProcessEnv, clientConfig: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
  TEMPORAL_CONFIG_FILE: clientConfig,
});

interface Processes {
  readonly control: Service;
  readonly api: Service;
  readonly hosts: readonly Service[];
  readonly shared: PoolPlace | undefined;
}

interface Places extends ChosenPorts {
  readonly databaseUrl: string;
  readonly masterKeyFile: string;
  readonly temporalUiUrl: string;
}

async function startProcesses(
  { plan, folder, supervisor }: Start,
  setting: Setting,
  { ports, health, doors, ...place }: Places,
): Promise<Processes> {
  const shared = await sharedPool(folder, plan.hosts);
  const [controlHealth = 0, apiHealth = 0, ...hostHealth] = health;
  const control = controlService(setting, { ...place, healthPort: controlHealth });
  const api = apiService(setting, {
    ...place,
    address: plan.apiAddress,
    port: ports.api,
    healthPort: apiHealth,
  });
  const ownPorts = [ports.api, ports.postgres, ports.temporal, ports.temporalUi, ...health, ...doors];
  const hosts = hostHealth.map((healthPort, index) =>
    hostService(setting, { n: index + 1, healthPort, doorPort: doors[index], shared, ownPorts }),
  );
  for (const service of [control, api, ...hosts]) await supervisor.start(service);
  return { control, api, hosts, shared };
}

interface StartedProcesses {
  readonly processes: Processes;
  readonly client: ApiClient;
  readonly health: readonly number[];
}

/** @returns the pools of all hosts */
async function waitUntilReady(
  { folder, supervisor, deps }: Start,
  { processes, client, health }: StartedProcesses,
): Promise<readonly Pool[]> {
  const waiting = { supervisor, signal: deps.signal };
  const { control, api, hosts, shared } = processes;
  const local = health.map((port) => `http://127.0.0.1:${port}`);
  for (const [index, service] of [control, api, ...hosts].entries()) {
    await waitFor(() => lookAtProcess(service, local[index] as string), waiting);
  }
  const numbers = hosts.map((_, index) => index + 1);
  await waitFor(() => lookAtHosts(client, numbers.map(hostName)), waiting);
  const places = [...numbers.map((n) => ownPool(folder, n)), ...(shared === undefined ? [] : [shared])];
  return waitFor(() => lookAtPools(client, places), waiting);
}

/** The address to call for the address that the api listens on, which may be a wildcard. */
function reachable(address: string): string {
  if (address === '0.0.0.0' || address === '::') return '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}
