/** Chooses the ports of a start: those of the settings, which must be free, and free ports for the rest. */
import { StartError } from '../workers/runtime.ts';
import { label } from '../workers/settings.ts';
import type { SettingName } from '../workers/settings.ts';
import type { Plan, Ports } from './plan.ts';
import { freePorts, problemOfPort } from './ports.ts';

export interface ChosenPorts {
  readonly ports: Ports;
  /** Ports of `/readyz`: first those of the control worker and the api, then one for each host. */
  readonly health: readonly number[];
  /** Ports of the doors of several hosts; none of a single one, which nobody comes to. */
  readonly doors: readonly number[];
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
  const doorCount = plan.hosts > 1 ? plan.hosts : 0;
  const free = await freePorts(wanted.length + 2 + plan.hosts + doorCount);
  const chosen = wanted.map(({ key }, index) => [key, plan.ports[key] || free[index]] as const);
  const [health, doors] = [
    free.slice(wanted.length, free.length - doorCount),
    free.slice(free.length - doorCount),
  ];
  return { ports: { ...plan.ports, ...Object.fromEntries(chosen) }, health, doors };
}

/** A server that this start does not run needs no port. */
function needed(plan: Plan): readonly Wanted[] {
  const local = '127.0.0.1';
  const api: Wanted = { key: 'api', setting: 'apiPort', what: 'the api', address: plan.apiAddress };
  const temporal: readonly Wanted[] = [
    { key: 'temporal', setting: 'temporalPort', what: 'Temporal', address: local },
    { key: 'temporalUi', setting: 'temporalUiPort', what: "Temporal's Web UI", address: local },
  ];
  const postgres: Wanted = { key: 'postgres', setting: 'postgresPort', what: 'PostgreSQL', address: local };
  return [
    api,
    ...(plan.temporalAddress === undefined ? temporal : []),
    ...(plan.databaseUrl === undefined ? [postgres] : []),
  ];
}
