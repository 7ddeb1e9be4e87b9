/** Replaces processes of an installation in an orderly way, as an operator does in an upgrade. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

/** Stops a process (`control`, `api`, `host1`, `host2`…), which the supervisor of `npm start` restarts. */
export type ServiceName = 'control' | 'api' | `host${number}`;

/** @returns the pid of the new process, once it works */
export async function replace(lab: EndToEnd, name: ServiceName): Promise<number> {
  const log = join(lab.stack.dataDir, 'logs', `${name}.log`);
  const before = await timesReady(log);
  process.kill(pidOf(lab, name), 'SIGTERM');
  await until(`${name} works again`, async () => (await timesReady(log)) > before);
  return pidOf(lab, name);
}

function pidOf(lab: EndToEnd, name: ServiceName): number {
  const pids = lab.pids();
  if (name === 'control' || name === 'api') return pids[name];
  return pids.hosts[Number(name.slice('host'.length)) - 1] ?? 0;
}

export interface SecondControl {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a second control worker, and waits until it works. */
export async function startSecondControl(lab: EndToEnd, program: string): Promise<SecondControl> {
  const log = join(lab.stack.dataDir, 'logs', 'control2.log');
  const environment = (await readFile(`/proc/${lab.pids().control}/environ`, 'utf8')).split('\0');
  const settings = environment
    .filter((one) => /^(PATH|HOME|TEMPORAL_\w+|BYPASS_(?!HEALTH_PORT)\w+)=/.test(one))
    .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const);
  const file = await open(log, 'a');
  const before = await timesReady(log);
  const child = spawn(process.execPath, [program, 'control', 'run'], {
    env: Object.fromEntries(settings),
    stdio: ['ignore', file.fd, file.fd],
  });
  const ended = once(child, 'exit');
  await file.close();
  await until('the second control worker works', async () => (await timesReady(log)) > before);
  return {
    pid: child.pid as number,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The log message of each kind of process when it starts to work. */
const READY = /"msg":"(ready"|the api listens"|joined: )/g;

const timesReady = async (log: string): Promise<number> =>
  (await readFile(log, 'utf8')).match(READY)?.length ?? 0;
