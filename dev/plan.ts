/** What a start runs, derived from the settings before it changes anything. */
import { isAbsolute, resolve } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { SettingError, label } from '../workers/settings.ts';
import type { SettingName, Settings } from '../workers/settings.ts';

export interface Plan {
  readonly dataDir: string;
  readonly hosts: number;
  readonly apiAddress: string;
  readonly ports: Ports;
  /** Undefined: the start runs its own PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** Undefined: the start runs Temporal's development server. */
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

/** @throws SettingError */
export function planOf(settings: Settings): Plan {
  const temporal = loadClientConnectConfig();
  const path = (name: SettingName): string => resolve(settings.text(name));
  const plan: Plan = {
    dataDir: path('dataDir'),
    hosts: settings.number('hosts', 1),
    apiAddress: settings.text('apiAddress'),
    ports: portsOf(settings),
    databaseUrl: settings.text('databaseUrl') || undefined,
    temporalAddress: settings.text('temporalAddress') || temporal.connectionOptions.address || undefined,
    temporalNamespace: settings.text('temporalNamespace') || temporal.namespace || 'default',
    masterKeyFile: settings.given('masterKeyFile') ? path('masterKeyFile') : undefined,
    logLevel: settings.text('logLevel'),
  };
  requirePlainPath(plan.dataDir);
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
