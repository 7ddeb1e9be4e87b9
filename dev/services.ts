/** The processes of a start: the program, the settings and the way to stop each. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { LOOPBACK } from '../model/url-policy.ts';
import type { Route } from './balancer.ts';
import { startBalancer } from './balancer-process.ts';
import { startChild } from './child-process.ts';
import type { DataFolder } from './data-folder.ts';
import { CLUSTER, ZONE } from './prepare-installation.ts';
import { marks, stages } from './leftovers.ts';
import type { Stage } from './leftovers.ts';
import { createDatabase, startPostgres } from './postgres.ts';
import type { Postgres } from './postgres.ts';
import { PROGRAM } from '../platform/installation.ts';
import { SETTINGS } from '../workers/settings-table.ts';
import type { Service } from './supervisor.ts';
import { startNode } from './temporal-cluster.ts';
import type { NodeOptions } from './temporal-cluster.ts';
import { startTemporalServer } from './temporal-server.ts';

/** What all services of a start share. */
export interface Setting {
  readonly folder: DataFolder;
  /** Environment of the start, which its processes inherit. */
  readonly env: NodeJS.ProcessEnv;
}

export const DATABASE = 'bypass';

/** @param superuser default: bypass, to which a database of that name is made */
export function postgresService(
  { folder, env }: Setting,
  port: number,
  superuser?: string,
): Service<Postgres> {
  const logFile = folder.log('postgres');
  return {
    name: 'PostgreSQL',
    stage: stages.postgres,
    logFile,
    async start() {
      const postgres = await startPostgres({
        folder: folder.postgres,
        port,
        ...(superuser === undefined ? {} : { superuser }),
        logFile,
        durable: true,
        detached: true,
        env: { ...env, ...marks(folder.root, stages.postgres) },
      });
      if (superuser === undefined) await createDatabase(postgres, DATABASE);
      return postgres;
    },
  };
}

export interface TemporalPlace {
  readonly cli: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
}

export function temporalService({ folder, env }: Setting, place: TemporalPlace): Service {
  const logFile = folder.log('temporal');
  return {
    name: "Temporal's development server",
    stage: stages.temporal,
    logFile,
    start: () =>
      startTemporalServer({
        ...place,
        databaseFile: folder.temporalDatabase,
        logFile,
        detached: true,
        env: { ...env, ...marks(folder.root, stages.temporal) },
      }),
  };
}

/** @param n of the nodes of a cluster, from 1 on */
export function nodeService(
  { folder, env }: Setting,
  n: number,
  place: Pick<NodeOptions, 'node' | 'programs' | 'databases'>,
): Service {
  const logFile = folder.log(`temporal${n}`);
  return {
    name: `Temporal Server ${n} (${place.node.services.join(', ')})`,
    stage: stages.temporal,
    logFile,
    start: () =>
      startNode({
        ...place,
        logFile,
        detached: true,
        env: { ...programEnvironment(env), ...marks(folder.root, stages.temporal) },
      }),
  };
}

/** Temporal Server reads many variables; it gets only those that are meant for it. */
const programEnvironment = ({ PATH, HOME, TMPDIR }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...(PATH === undefined ? {} : { PATH }),
  ...(HOME === undefined ? {} : { HOME }),
  ...(TMPDIR === undefined ? {} : { TMPDIR }),
});

export function balancerService({ folder, env }: Setting, routes: readonly Route[]): Service {
  const logFile = folder.log('balancer');
  return {
    name: 'balancer',
    stage: stages.balancer,
    logFile,
    start: () =>
      startBalancer({
        routes,
        logFile,
        detached: true,
        env: { ...env, ...marks(folder.root, stages.balancer) },
      }),
  };
}

interface Command {
  readonly name: string;
  readonly log: string;
  readonly stage: Stage;
  readonly args: readonly string[];
  /** Settings by the names of their variables. */
  readonly settings: NodeJS.ProcessEnv;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
}

/** One of Bypass's own processes. It gets its settings by environment, which other users cannot read. */
function bypassService({ folder, env }: Setting, command: Command): Service {
  const logFile = folder.log(command.log);
  return {
    name: command.name,
    stage: command.stage,
    logFile,
    async start() {
      const child = await startChild({
        command: process.execPath,
        args: ['--enable-source-maps', PROGRAM, ...command.args],
        cwd: folder.root,
        env: { ...env, ...command.settings, ...marks(folder.root, command.stage) },
        logFile,
        detached: true,
      });
      const stop = (): Promise<void> =>
        child.stop([
          ['SIGTERM', command.graceMs],
          ['SIGKILL', 5000],
        ]);
      return { child, stop };
    },
  };
}

export interface ControlPlace {
  readonly databaseUrl: string;
  readonly masterKeyFile: string;
  readonly healthPort: number;
}

/** @param n of several, from 1 on; the first has the plain name */
const named = (name: string, n: number): string => (n === 1 ? name : `${name} ${n}`);
const logOf = (log: string, n: number): string => (n === 1 ? log : `${log}${n}`);

export const controlService = (setting: Setting, n: number, place: ControlPlace): Service =>
  bypassService(setting, {
    name: named('control worker', n),
    log: logOf('control', n),
    stage: stages.control,
    args: ['control', 'run'],
    settings: {
      BYPASS_DATABASE_URL: place.databaseUrl,
      BYPASS_MASTER_KEY_FILE: place.masterKeyFile,
      BYPASS_HEALTH_PORT: String(place.healthPort),
    },
    graceMs: 20_000,
  });

export interface ApiPlace {
  readonly databaseUrl: string;
  readonly masterKeyFile: string;
  readonly address: string;
  readonly port: number;
  readonly healthPort: number;
  /** Empty when this start runs no Web UI. */
  readonly temporalUiUrl: string;
}

export const apiService = (setting: Setting, n: number, place: ApiPlace): Service =>
  bypassService(setting, {
    name: named('api', n),
    log: logOf('api', n),
    stage: stages.api,
    args: ['api', 'run'],
    settings: {
      BYPASS_DATABASE_URL: place.databaseUrl,
      BYPASS_MASTER_KEY_FILE: place.masterKeyFile,
      BYPASS_API_ADDRESS: place.address,
      BYPASS_API_PORT: String(place.port),
      BYPASS_HEALTH_PORT: String(place.healthPort),
      // `npm start` serves plain HTTP, whatever the environment names for production.
      BYPASS_API_TLS_CERT: '',
      BYPASS_API_TLS_KEY: '',
      ...(place.temporalUiUrl === '' ? {} : { BYPASS_TEMPORAL_UI_URL: place.temporalUiUrl }),
    },
    graceMs: 15_000,
  });

export interface PoolPlace {
  readonly name: string;
  readonly path: string;
}

export interface HostPlace {
  readonly n: number;
  readonly healthPort: number;
  /** Undefined: the host serves no copies to others. */
  readonly doorPort: number | undefined;
  /** The pool that every host mounts. */
  readonly shared: PoolPlace | undefined;
  /** Ports of this installation's processes, which no URL may lead to; 0 for a server that this start does not run. */
  readonly ownPorts: readonly number[];
}

/** A user has a libvirt of their own, which can do without root what the network of `npm start` needs. */
const LIBVIRT_URI = process.getuid?.() === 0 ? SETTINGS.libvirtUri.fallback : 'qemu:///session';

export const hostName = (n: number): string => `host${n}`;

/** A host's own pool. */
export const ownPool = (folder: DataFolder, n: number): PoolPlace => ({
  name: `pool${n}`,
  path: folder.host(n).pool,
});

/** With several hosts there is a pool that all of them mount. A later start with one host keeps the pool. */
export async function sharedPool(folder: DataFolder, hosts: number): Promise<PoolPlace | undefined> {
  if (hosts < 2 && !existsSync(folder.sharedPool)) return undefined;
  await mkdir(folder.sharedPool, { recursive: true });
  return { name: 'shared', path: folder.sharedPool };
}

export function hostService(
  setting: Setting,
  { n, healthPort, doorPort, shared, ownPorts }: HostPlace,
): Service {
  const { state, invite } = setting.folder.host(n);
  const own = ownPool(setting.folder, n);
  const pools = [`${own.name}=Filesystem:HOST:${own.path}`];
  if (shared !== undefined) pools.push(`${shared.name}=SharedMountPoint:CLUSTER:${shared.path}:create`);
  return bypassService(setting, {
    name: `host worker ${hostName(n)}`,
    log: hostName(n),
    stage: stages.host,
    args: ['host', 'run'],
    settings: {
      BYPASS_STATE_DIR: state,
      BYPASS_HOST_NAME: hostName(n),
      BYPASS_ZONE: ZONE,
      BYPASS_CLUSTER: CLUSTER,
      BYPASS_POOLS: pools.join(','),
      BYPASS_LIBVIRT_URI: setting.env['BYPASS_LIBVIRT_URI'] || LIBVIRT_URI,
      BYPASS_INVITE: existsSync(invite) ? `@${invite}` : '',
      BYPASS_HEALTH_PORT: String(healthPort),
      ...(doorPort === undefined ? {} : { BYPASS_PEER_LISTEN: `127.0.0.1:${doorPort}` }),
      // Images for a trial are often served by the same machine.
      BYPASS_URL_ALLOW: setting.env['BYPASS_URL_ALLOW'] || LOOPBACK.join(','),
      BYPASS_URL_DENY: [
        setting.env['BYPASS_URL_DENY'] ?? '',
        ...ownPorts.filter((port) => port > 0).map((port) => `127.0.0.1:${port}`),
      ].join(),
      // A host must never have the database or the master key, even when the environment names them.
      BYPASS_DATABASE_URL: '',
      BYPASS_MASTER_KEY_FILE: '',
    },
    graceMs: 20_000,
  });
}
