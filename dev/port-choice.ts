/** Chooses the ports of a start: those of the settings, which must be free, and free ports for the rest. */
import { StartError } from '../workers/start-error.ts';
import { label } from '../workers/settings.ts';
import type { SettingName } from '../workers/settings.ts';
import type { Plan, Ports } from './plan.ts';
import { freePorts, problemOfPort } from './ports.ts';

export interface ChosenPorts {
  /** Those that clients connect to. */
  readonly ports: Ports;
  /** Ports on which the apis listen; that of a single api is `ports.api`. */
  readonly apis: readonly number[];
  /** Ports of `/readyz`. */
  readonly health: Health;
  /** Ports of the doors of several hosts; none of a single one, which nobody comes to. */
  readonly doors: readonly number[];
}

export interface Health {
  readonly controls: readonly number[];
  readonly apis: readonly number[];
  readonly hosts: readonly number[];
}

interface Wanted {
  readonly key: keyof Ports;
  readonly setting: SettingName;
  readonly what: string;
  readonly address: string;
}

/** @throws StartError naming the port that is taken, and the setting that chooses another */
export async function choosePorts(plan: Plan): Promise<ChosenPorts> {
  const wanted = needed(plan);
  for (const { key, setting, what, address } of wanted) {
    const port = plan.ports[key];
    const problem = port === 0 ? undefined : await problemOfPort(port, address);
    if (problem === undefined) continue;
    throw new StartError(
      `Port ${port}, meant for ${what}, ${problem}: give another one with ${label(setting)}, ` +
        'or free ones for everything with --port 0',
    );
  }
  const behind = plan.apis > 1 ? plan.apis : 0;
  const doorCount = plan.hosts > 1 ? plan.hosts : 0;
  const { controls, apis, hosts } = plan;
  const counts = [wanted.length, behind, controls, apis, hosts, doorCount];
  const free = [...(await freePorts(counts.reduce((sum, count) => sum + count, 0)))];
  const [instead = [], apiPorts = [], ...others] = counts.map((count) => free.splice(0, count));
  const chosen = wanted.map(({ key }, index) => [key, plan.ports[key] || instead[index]] as const);
  const ports = { ...plan.ports, ...Object.fromEntries(chosen) };
  const [ofControls = [], ofApis = [], ofHosts = [], doors = []] = others;
  return {
    ports,
    apis: behind === 0 ? [ports.api] : apiPorts,
    health: { controls: ofControls, apis: ofApis, hosts: ofHosts },
    doors,
  };
}

/** A server that this start does not run needs no port. */
function needed(plan: Plan): readonly Wanted[] {
  const local = '127.0.0.1';
  const api: Wanted = { key: 'api', setting: 'apiPort', what: 'the api', address: plan.apiAddress };
  const what = "Temporal's Web UI";
  const ui: Wanted = { key: 'temporalUi', setting: 'temporalUiPort', what, address: local };
  const temporal: readonly Wanted[] = [
    { key: 'temporal', setting: 'temporalPort', what: 'Temporal', address: local },
    ...(plan.engine === 'cluster' ? [] : [ui]),
  ];
  const postgres: Wanted = { key: 'postgres', setting: 'postgresPort', what: 'PostgreSQL', address: local };
  return [
    api,
    ...(plan.temporalAddress === undefined ? temporal : []),
    ...(plan.databaseUrl === undefined ? [postgres] : []),
  ];
}
