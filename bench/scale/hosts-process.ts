/**
 * Many host workers in one process. Each is the product's own, with its keys, connection, queues and pool; only the download is
 * replaced, by a sleep, and no programs of the system are looked for.
 *
 * The argument is a file with a `HostsPlan`. Some hosts start at a time, the next ones once those have joined; then the process
 * writes a line.
 */
import { EventEmitter, once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { pino } from 'pino';
import { LOOPBACK } from '../../model/url-policy.ts';
import { runHost } from '../../workers/host.ts';
import { installRuntime } from '../../workers/runtime.ts';
import { readSettings } from '../../workers/settings.ts';
import { pacedDownload } from './paced-download.ts';

export interface HostsPlan {
  readonly temporalAddress: string;
  readonly zone: string;
  readonly cluster: string;
  /** For state folders and pools. */
  readonly folder: string;
  readonly downloadMs: number;
  readonly hosts: readonly { readonly name: string; readonly invite: string }[];
}

const STARTS_AT_ONCE = 4;

interface Host {
  /** Settles when it has joined, or ended before. */
  readonly joined: Promise<unknown>;
  readonly ended: Promise<void>;
}

async function startHost(
  plan: HostsPlan,
  { name, invite }: HostsPlan['hosts'][number],
  stop: AbortSignal,
): Promise<Host> {
  const folder = join(plan.folder, name);
  await mkdir(join(folder, 'pool'), { recursive: true });
  const settings = readSettings(
    {
      temporalAddress: plan.temporalAddress,
      zone: plan.zone,
      cluster: plan.cluster,
      hostName: name,
      stateDir: join(folder, 'state'),
      pools: `${name}=Filesystem:HOST:${join(folder, 'pool')}`,
      invite,
      urlAllow: LOOPBACK.join(','),
    },
    {},
  );
  const said = new EventEmitter();
  const hasJoined = once(said, 'joined');
  const write = (line: string): void => {
    if (line.includes('"joined: ')) said.emit('joined');
    else if (/"level":[456]0/.test(line)) process.stderr.write(line);
  };
  const ended = runHost({
    settings,
    logger: pino({ level: 'info' }, { write }),
    stop: once(stop, 'abort'),
    adapt: ({ hypervisor: _hypervisor, describeHypervisor: _describe, ...deps }) => ({
      ...deps,
      download: pacedDownload(plan.downloadMs),
      programs: () => Promise.resolve([]),
    }),
  });
  return { joined: Promise.race([hasJoined, ended]), ended };
}

async function run(plan: HostsPlan): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
  installRuntime(pino({ level: 'error' }, process.stderr));
  const running: Promise<void>[] = [];
  await pLimit(STARTS_AT_ONCE).map(plan.hosts, async (host) => {
    if (stop.signal.aborted) return;
    const { joined, ended } = await startHost(plan, host, stop.signal);
    running.push(ended);
    await joined;
  });
  process.stdout.write('running\n');
  await Promise.all(running);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await run(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as HostsPlan);
