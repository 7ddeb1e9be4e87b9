/**
 * Starts a whole installation on this machine. The order: end processes that an earlier start left behind; choose ports;
 * start PostgreSQL and Temporal, unless the plan names other servers; prepare the database; start the control workers, the
 * apis and the hosts; wait until each answers and the API lists all hosts and pools.
 *
 * The supervisor owns every process from its first moment on. When a step fails or the signal is aborted, `bringUp` stops
 * the supervisor before it throws: a failed start must never leave a process behind, and never touch a process of another
 * data folder.
 */
import { createClient } from '../cli/client.ts';
import type { ApiClient } from '../cli/client.ts';
import type { Route } from './balancer.ts';
import type { DataFolder } from './data-folder.ts';
import { prepareInstallation } from './prepare-installation.ts';
import { endLeftovers } from './leftovers.ts';
import type { Plan } from './plan.ts';
import { choosePorts } from './port-choice.ts';
import type { ChosenPorts, Health } from './port-choice.ts';
import { lookAtHosts, lookAtPools, lookAtProcess, waitFor } from './readiness.ts';
import type { Pool } from './readiness.ts';
import type { ReadyFile } from './ready-file.ts';
import { startCluster, startDevelopment } from './servers.ts';
import type { Servers } from './servers.ts';
import {
  apiService,
  balancerService,
  controlService,
  hostName,
  hostService,
  ownPool,
  sharedPool,
} from './services.ts';
import type { PoolPlace, Setting } from './services.ts';
import type { StackDeps, Start } from './start.ts';
import { createSupervisor } from './supervisor.ts';
import type { Service } from './supervisor.ts';
import { frontendPort, planNodes } from './temporal-cluster.ts';
import type { ClusterNode } from './temporal-cluster.ts';

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

async function start(context: Start): Promise<Pick<Stack, 'client' | 'databaseUrl' | 'ready'>> {
  const { plan, folder, supervisor, deps } = context;
  const chosen = await choosePorts(plan);
  const { ports } = chosen;
  const nodes = plan.engine === 'cluster' ? await planNodes() : [];
  const balancer = await balance(context, routesOf(plan, chosen, nodes));
  const servers =
    plan.engine === 'cluster'
      ? await startCluster(context, ports, nodes)
      : await startDevelopment(context, ports);
  const { databaseUrl, temporalAddress, temporalUiUrl } = servers;
  const masterKeyFile = plan.masterKeyFile ?? folder.masterKey;
  const admin = await prepareInstallation(folder, { databaseUrl, masterKeyFile, hosts: plan.hosts });
  deps.signal.throwIfAborted();

  const setting = { folder, env: childEnvironment(plan, deps.env, servers) };
  const nodePorts = nodes.flatMap((node) => node.ports);
  const places = { ...chosen, nodePorts, databaseUrl, masterKeyFile, temporalUiUrl };
  const processes = await startProcesses(context, setting, places);
  const originOf = (port: number): string => `http://${reachable(plan.apiAddress)}:${port}`;
  const origin = originOf(ports.api);
  const { apiKey, secretKey } = admin;
  const apiUrl = `${origin}/client/api`;
  const client = createClient({ url: apiUrl, origin: 'npm start', apiKey, secretKey });
  const pools = await waitUntilReady(context, { processes, client, health: chosen.health });
  const pids = (services: readonly Service[]): readonly number[] =>
    services.map((service) => supervisor.pid(service));
  const ready = (): ReadyFile => ({
    apiUrl,
    apiUrls: chosen.apis.map((port) => `${originOf(port)}/client/api`),
    pageUrl: `${origin}/`,
    temporalAddress,
    temporalUiUrl,
    ...admin,
    pids: {
      control: supervisor.pid(processes.controls[0]),
      controls: pids(processes.controls),
      api: supervisor.pid(processes.apis[0]),
      apis: pids(processes.apis),
      hosts: pids(processes.hosts),
      temporal: supervisor.pid(servers.temporal[0]),
      temporals: pids(servers.temporal),
      balancer: supervisor.pid(balancer),
      postgres: supervisor.pid(servers.postgres),
    },
    pools,
  });
  return { client, databaseUrl, ready };
}

/** The balancer is before several apis, and before the frontends of a cluster. */
function routesOf(
  { apis: count, apiAddress }: Plan,
  { ports, apis }: ChosenPorts,
  nodes: readonly ClusterNode[],
): readonly Route[] {
  const frontends = nodes.map(frontendPort);
  return [
    ...(count === 1 ? [] : [{ address: apiAddress, port: ports.api, targets: apis }]),
    ...(nodes.length === 0 ? [] : [{ address: '127.0.0.1', port: ports.temporal, targets: frontends }]),
  ];
}

/** @returns undefined where nothing is to be balanced */
async function balance(
  { folder, supervisor, deps: { env } }: Start,
  routes: readonly Route[],
): Promise<Service | undefined> {
  if (routes.length === 0) return undefined;
  const service = balancerService({ folder, env }, routes);
  await supervisor.start(service);
  return service;
}

/** The environment of the started processes: the address of Temporal, and the log level. */
const childEnvironment = (plan: Plan, env: NodeJS.ProcessEnv, servers: Servers): NodeJS.ProcessEnv => ({
  ...(servers.temporal.length === 0 ? env : withoutTemporal(env, servers.clientConfig)),
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
  readonly controls: readonly Service[];
  readonly apis: readonly Service[];
  readonly hosts: readonly Service[];
  readonly shared: PoolPlace | undefined;
}

interface Places extends ChosenPorts {
  /** Ports of the nodes of a cluster. */
  readonly nodePorts: readonly number[];
  readonly databaseUrl: string;
  readonly masterKeyFile: string;
  readonly temporalUiUrl: string;
}

async function startProcesses(
  { plan, folder, supervisor }: Start,
  setting: Setting,
  { ports, apis: apiPorts, health, doors, nodePorts, ...place }: Places,
): Promise<Processes> {
  const shared = await sharedPool(folder, plan.hosts);
  const controls = health.controls.map((healthPort, at) =>
    controlService(setting, at + 1, { ...place, healthPort }),
  );
  const apis = health.apis.map((healthPort, at) => {
    const port = apiPorts[at] ?? 0;
    return apiService(setting, at + 1, { ...place, address: plan.apiAddress, port, healthPort });
  });
  const healthPorts = Object.values(health).flat();
  const ownPorts = [...Object.values(ports), ...apiPorts, ...nodePorts, ...healthPorts, ...doors];
  const hosts = health.hosts.map((healthPort, index) =>
    hostService(setting, { n: index + 1, healthPort, doorPort: doors[index], shared, ownPorts }),
  );
  for (const service of [...controls, ...apis, ...hosts]) await supervisor.start(service);
  return { controls, apis, hosts, shared };
}

interface StartedProcesses {
  readonly processes: Processes;
  readonly client: ApiClient;
  readonly health: Health;
}

/** @returns the pools of all hosts */
async function waitUntilReady(
  { folder, supervisor, deps }: Start,
  { processes, client, health }: StartedProcesses,
): Promise<readonly Pool[]> {
  const waiting = { supervisor, signal: deps.signal };
  const { controls, apis, hosts, shared } = processes;
  const ports = [...health.controls, ...health.apis, ...health.hosts];
  for (const [index, service] of [...controls, ...apis, ...hosts].entries()) {
    await waitFor(() => lookAtProcess(service, `http://127.0.0.1:${ports[index]}`), waiting);
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
