/** Starts simulated hosts, several processes of many each, and waits until all have joined. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import type { ApiClient } from '../../cli/client.ts';
import { findProgram } from '../../dev/search-path.ts';
import { stop } from '../processes.ts';
import { ownEnvironment } from '../stack.ts';
import { CannotBench } from '../watch.ts';
import type { HostsPlan } from './hosts-process.ts';

export interface SimulatedHosts {
  /** Names of the processes, with their pids. */
  readonly processes: ReadonlyMap<string, number>;
}

export interface HostsOptions extends Omit<HostsPlan, 'hosts'> {
  readonly client: ApiClient;
  readonly count: number;
  readonly signal: AbortSignal;
}

const HOSTS_OF_PROCESS = 125;
const INVITES_AT_ONCE = 4;
const POLL_MS = 1000;

export async function withSimulatedHosts<T>(
  options: HostsOptions,
  use: (hosts: SimulatedHosts) => Promise<T>,
): Promise<T> {
  const { client, count, cluster, signal, ...shared } = options;
  await mkdir(options.folder);
  await mkdir(programsFolder(options));
  await symlink(await pathOf('flock'), join(programsFolder(options), 'flock'));
  const numbers = Array.from({ length: count }, (_, n) => n + 1);
  const hosts = await pLimit(INVITES_AT_ONCE).map(numbers, async (n) => {
    const { hostinvite } = await client.call<Invite>('createHostInvite', {});
    return { name: `simulated${n}`, invite: hostinvite.token };
  });
  const children: ChildProcess[] = [];
  try {
    for (let from = 0; from < count; from += HOSTS_OF_PROCESS) {
      const plan = { ...shared, cluster, hosts: hosts.slice(from, from + HOSTS_OF_PROCESS) };
      children.push(await startProcess(plan, children.length + 1));
    }
    await Promise.all(children.map((child, at) => untilRunning(child, logOf(options, at + 1), signal)));
    while ((await hostsUp(client, cluster)) < count) {
      signal.throwIfAborted();
      await sleep(POLL_MS);
    }
    const processes = new Map(children.map(({ pid = 0 }, at) => [`simulated hosts ${at + 1}`, pid]));
    return await use({ processes });
  } finally {
    await Promise.all(children.map(stop));
  }
}

/** The programs that simulated hosts find: what locks their state folders, and so no libvirt. */
const programsFolder = ({ folder }: Pick<HostsPlan, 'folder'>): string => join(folder, 'programs');

async function pathOf(program: string): Promise<string> {
  const path = await findProgram(program, (process.env['PATH'] ?? '').split(':'));
  if (path === undefined) throw new CannotBench(`${program} is not installed`);
  return path;
}

interface Invite {
  readonly hostinvite: { readonly token: string };
}

/** What has joined is Up a moment later. */
async function hostsUp(client: ApiClient, cluster: string): Promise<number> {
  const hosts = await client.list<{ readonly clustername: string; readonly state: string }>(
    'listHosts',
    'host',
  );
  return hosts.filter(({ clustername, state }) => clustername === cluster && state === 'Up').length;
}

const logOf = ({ folder }: Pick<HostsPlan, 'folder'>, n: number): string => join(folder, `log${n}`);

/** @param n from 1 on */
async function startProcess(plan: HostsPlan, n: number): Promise<ChildProcess> {
  const file = join(plan.folder, `plan${n}.json`);
  await writeFile(file, JSON.stringify(plan), { mode: 0o600 });
  const log = await open(logOf(plan, n), 'w');
  try {
    const program = fileURLToPath(new URL('./hosts-process.js', import.meta.url));
    const env = { ...ownEnvironment(plan.folder), PATH: programsFolder(plan) };
    return spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', log.fd], env });
  } finally {
    await log.close();
  }
}

/** Waits until all of its hosts have joined. @throws CannotBench with its log when it ends before */
async function untilRunning(child: ChildProcess, log: string, signal: AbortSignal): Promise<void> {
  const end = (): void => void child.kill();
  signal.addEventListener('abort', end);
  try {
    const [text] = (await Promise.race([
      once(child.stdout ?? child, 'data'),
      once(child, 'exit'),
    ])) as unknown[];
    signal.throwIfAborted();
    if (Buffer.isBuffer(text)) return;
    throw new CannotBench(
      `Simulated hosts do not start here:\n${(await readFile(log, 'utf8')).slice(-4000)}`,
    );
  } finally {
    signal.removeEventListener('abort', end);
  }
}
