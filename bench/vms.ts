/**
 * How long a machine takes from the call to `running`, when its pool has the image already, beside a script that makes the
 * same disk and domain with `qemu-img` and `virsh`. The script's domain is one of Bypass's, with other names, so that both
 * start the same guest.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import type { ApiClient } from '../cli/client.ts';
import { clientOf, jobEnd, registerImage, zoneOf } from './calls.ts';
import { withImage } from './image.ts';
import { startStack } from './stack.ts';
import { atMost, median } from './statistics.ts';
import type { Goal } from './statistics.ts';
import { CannotBench } from './watch.ts';
import type { Watch } from './watch.ts';

export interface VmsOptions extends Watch {
  /** Of the libvirt that runs the guests. */
  readonly libvirtUri: string;
  /** Machines one after the other, by each in turn. */
  readonly rounds: number;
  /** Machines of the second part, and how many of them at a time. */
  readonly machines: number;
  readonly concurrency: number;
}

export interface VmsReport {
  readonly rounds: number;
  /** Seconds; medians of one machine. */
  readonly bypass: number;
  readonly script: number;
  readonly machines: number;
  readonly concurrency: number;
  /** Seconds for all machines. */
  readonly bypassAll: number;
  readonly scriptAll: number;
  readonly goals: readonly Goal[];
}

/**
 * Between the questions of one caller whether its machine runs. Several at a time let the api answer when it does: else their
 * questions would be much of what is measured.
 */
const POLL_MS = 20;
/** Megabytes; the guest does nothing. */
const MEMORY = 64;

const run = promisify(execFile);

export async function benchVms(options: VmsOptions): Promise<VmsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  await chmod(folder, 0o711);
  const env = { BYPASS_LIBVIRT_URI: options.libvirtUri };
  try {
    options.onStep('starting Bypass');
    const stack = await startStack(folder, { signal: options.signal, settings: env });
    try {
      const client = clientOf(stack);
      return await withImage(folder, options.signal, (image) => measure(client, folder, image, options));
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param pollMs milliseconds between questions whether it runs; absent: it waits for the answer that it does */
type Make = (pollMs?: number) => Promise<Made>;
/** A running machine. */
interface Made {
  remove(): Promise<void>;
}

async function measure(
  client: ApiClient,
  folder: string,
  image: string,
  options: VmsOptions,
): Promise<VmsReport> {
  const { onStep, signal } = options;
  const bypass = await bypassMachines(client, image, signal);
  onStep('a first machine, which brings the image onto the pool');
  const model = await bypass(POLL_MS);
  try {
    return await compare(bypass, await scriptMachines(model, folder, options.libvirtUri), options);
  } finally {
    await model.remove();
  }
}

async function compare(bypass: Make, script: Make, options: VmsOptions): Promise<VmsReport> {
  const { rounds, machines, concurrency, onStep, signal } = options;
  const times = { bypass: [] as number[], script: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    onStep(`machine ${round + 1} of ${rounds}`);
    for (const [name, make] of [
      ['bypass', bypass],
      ['script', script],
    ] as const) {
      signal.throwIfAborted();
      times[name].push(await secondsOf(1, 1, make));
    }
  }
  onStep(`${machines} machines, ${concurrency} at a time`);
  const [scriptAll, bypassAll] = [
    await secondsOf(machines, concurrency, script),
    await secondsOf(machines, concurrency, bypass),
  ];
  const medians = { bypass: median(times.bypass), script: median(times.script) };
  const goals = [
    atMost('more for one machine than the script', medians.bypass - medians.script, 0.7, 's'),
    atMost(`of the script's time for ${machines} machines`, bypassAll / scriptAll, 1.3, '×'),
  ];
  return { rounds, ...medians, machines, concurrency, bypassAll, scriptAll, goals };
}

/** Makes machines, and removes them after the measurement. @returns seconds until all run */
async function secondsOf(count: number, concurrency: number, make: Make): Promise<number> {
  const limit = pLimit(concurrency);
  const pollMs = concurrency === 1 ? POLL_MS : undefined;
  const begun = performance.now();
  const made = await limit.map(Array.from({ length: count }), () => make(pollMs));
  const seconds = (performance.now() - begun) / 1000;
  await limit.map(made, (machine) => machine.remove());
  return seconds;
}

interface BypassMachine extends Made {
  readonly id: string;
}

async function bypassMachines(
  client: ApiClient,
  url: string,
  signal: AbortSignal,
): Promise<(pollMs?: number) => Promise<BypassMachine>> {
  const zoneid = await zoneOf(client);
  const template = await registerImage(client, { name: 'bench', url, zoneid });
  const { serviceoffering } = await client.call<{ readonly serviceoffering: { readonly id: string } }>(
    'createServiceOffering',
    { name: 'bench', displaytext: 'bench', cpunumber: 1, cpuspeed: 1, memory: MEMORY, storagetype: 'any' },
  );
  const deployment = {
    zoneid,
    templateid: template.id,
    serviceofferingid: serviceoffering.id,
  };
  const end = (jobid: string, pollMs?: number) =>
    jobEnd(client, jobid, { signal, ...(pollMs === undefined ? {} : { pollMs }) });
  return async (pollMs) => {
    const { id, jobid } = await client.call<{ readonly id: string; readonly jobid: string }>(
      'deployVirtualMachine',
      deployment,
    );
    await end(jobid, pollMs);
    return {
      id,
      async remove() {
        const job = await client.call<{ readonly jobid: string }>('destroyVirtualMachine', {
          id,
          expunge: true,
        });
        await end(job.jobid);
      },
    };
  };
}

/** @param model a machine of Bypass, which stays */
async function scriptMachines(model: BypassMachine, folder: string, uri: string): Promise<Make> {
  const virsh = (...args: readonly string[]) => run('virsh', ['--quiet', '--connect', uri, ...args]);
  const { stdout: xml } = await virsh('dumpxml', '--inactive', model.id);
  const [, disk = ''] = /<disk type='file' device='disk'>[^]*?<source file='([^']+)'/.exec(xml) ?? [];
  const [, image = ''] = /<backingStore type='file'>[^]*?<source file='([^']+)'/.exec(xml) ?? [];
  if (disk === '' || image === '') throw new CannotBench('The domain of a machine of Bypass has no overlay');
  return async () => {
    const id = randomUUID();
    const overlay = join(dirname(disk), `bench-${id}`);
    const path = join(folder, `${id}.xml`);
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', image, overlay]);
    await writeFile(path, xmlOf(xml, { id, disk, overlay }));
    await virsh('define', path);
    await virsh('start', id);
    return {
      async remove() {
        await virsh('destroy', id);
        await virsh('undefine', id);
        await rm(overlay);
        await rm(path);
      },
    };
  };
}

/** The same domain under other names. The seed is the model's, which nobody writes. */
const xmlOf = (
  xml: string,
  { id, disk, overlay }: { readonly id: string; readonly disk: string; readonly overlay: string },
): string =>
  xml
    .replace(/<name>[^<]*</, `<name>bench-${id}<`)
    .replace(/<uuid>[^<]*</, `<uuid>${id}<`)
    .replace(/<metadata>[^]*?<\/metadata>/, '')
    .replace(/<mac address='[^']*'\/>/g, '')
    .replace(/<log file='[^']*'[^>]*\/>/g, '')
    .replaceAll(disk, overlay);
