/** Replaces processes of an installation in an orderly way, as an operator does in an upgrade. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

/** The name of a process by that of its log: `control`, `control2`, `api`, `api2`, `host1`, `host2`… */
export type ServiceName = 'control' | 'control2' | 'api' | 'api2' | `host${number}`;

/** Stops a process, which the supervisor of `npm start` restarts. @returns the pid of the new process, once it works */
export async function replace(lab: EndToEnd, name: ServiceName): Promise<number> {
  const worksAgain = await end(lab, name, 'SIGTERM');
  await worksAgain();
  return pidOf(lab, name);
}

/** @returns waits until the process works again, which the supervisor sees to */
export async function end(
  lab: EndToEnd,
  name: ServiceName,
  signal: NodeJS.Signals,
): Promise<() => Promise<unknown>> {
  const log = join(lab.stack.dataDir, 'logs', `${name}.log`);
  const before = await timesReady(log);
  process.kill(pidOf(lab, name), signal);
  return () => until(`${name} works again`, async () => (await timesReady(log)) > before);
}

function pidOf(lab: EndToEnd, name: ServiceName): number {
  const pids = lab.pids();
  const [, kind = '', n = '1'] = /^([a-z]+)(\d*)$/.exec(name) ?? [];
  const all = { control: pids.controls, api: pids.apis, host: pids.hosts }[kind] ?? [];
  return all[Number(n || '1') - 1] ?? 0;
}

/** The log message of each kind of process when it starts to work. */
const READY = /"msg":"(ready"|the api listens"|joined: )/g;

const timesReady = async (log: string): Promise<number> =>
  (await readFile(log, 'utf8')).match(READY)?.length ?? 0;
