/** What a start runs, derived from the settings before it changes anything. */
import { isAbsolute, resolve } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { readEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { SettingError, label } from '../workers/settings.ts';
import type { SettingName, Settings } from '../workers/settings.ts';

export interface Plan {
  readonly engine: Engine;
  readonly dataDir: string;
  readonly hosts: number;
  readonly apis: number;
  readonly controls: number;
  readonly apiAddress: string;
  readonly ports: Ports;
  /** Undefined: the start runs its own PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** Undefined: the start runs the engine's Temporal. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  /** Undefined: a key file in the data folder. */
  readonly masterKeyFile: string | undefined;
  readonly logLevel: string;
}

/** Ports to use; 0 stands for any free port. */
export interface Ports {
  readonly api: number;
  readonly temporal: number;
  readonly temporalUi: number;
  readonly postgres: number;
}

/** Apis, and control workers, of the cluster unless the settings say otherwise. */
const CLUSTER_COPIES = 2;
/** The two engines keep different things in their data folders. */
const CLUSTER_FOLDER = '.bypass-cluster';

/** @throws SettingError */
export function planOf(settings: Settings): Plan {
  const engine = readEngine(settings.text('engine'));
  const isCluster = engine === 'cluster';
  const temporal = loadClientConnectConfig();
  const path = (name: SettingName): string => resolve(settings.text(name));
  const copies = (name: SettingName): number =>
    isCluster && !settings.given(name) ? CLUSTER_COPIES : settings.number(name, 1);
  const plan: Plan = {
    engine,
    dataDir: isCluster && !settings.given('dataDir') ? resolve(CLUSTER_FOLDER) : path('dataDir'),
    hosts: settings.number('hosts', 1),
    apis: copies('apis'),
    controls: copies('controls'),
    apiAddress: settings.text('apiAddress'),
    ports: portsOf(settings),
    databaseUrl: settings.text('databaseUrl') || undefined,
    temporalAddress: settings.text('temporalAddress') || temporal.connectionOptions.address || undefined,
    temporalNamespace: settings.text('temporalNamespace') || temporal.namespace || 'default',
    masterKeyFile: settings.given('masterKeyFile') ? path('masterKeyFile') : undefined,
    logLevel: settings.text('logLevel'),
  };
  requirePlainPath(plan.dataDir);
  requireOwnServers(plan);
  return plan;
}

/** `--port 0` also makes free ports the default of all other ports. */
function portsOf(settings: Settings): Ports {
  const api = settings.number('apiPort');
  const port = (name: SettingName): number => {
    const number = api === 0 && !settings.given(name) ? 0 : settings.number(name);
    if (number <= 65_535) return number;
    throw new SettingError(`${label(name)} must be a port from 0 to 65535, not ${number}`);
  };
  return {
    api: port('apiPort'),
    temporal: port('temporalPort'),
    temporalUi: port('temporalUiPort'),
    postgres: port('postgresPort'),
  };
}

/** The setting BYPASS_POOLS of hosts separates paths by commas. */
function requirePlainPath(path: string): void {
  if (isAbsolute(path) && !/[,\n]/.test(path)) return;
  throw new SettingError(`${label('dataDir')} must be a path without a comma or line break, not '${path}'`);
}

/** The cluster is what it is for: Temporal Server on a PostgreSQL that both use. */
function requireOwnServers({ engine, databaseUrl, temporalAddress }: Plan): void {
  if (engine !== 'cluster' || (databaseUrl === undefined && temporalAddress === undefined)) return;
  const given = databaseUrl === undefined ? 'TEMPORAL_ADDRESS' : label('databaseUrl');
  throw new SettingError(
    `The cluster runs its own PostgreSQL and Temporal, but ${given} names another one: leave it out`,
  );
}
