import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createVirsh } from '../../hypervisor/virsh.ts';
import { watchDomains } from '../../hypervisor/watch.ts';
import type { WatchOptions } from '../../hypervisor/watch.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

interface Watching {
  readonly calls: () => number;
  readonly problems: readonly string[];
  stop(): Promise<void>;
}

function watch(options: Pick<WatchOptions, 'virsh'> & Partial<WatchOptions>): Watching {
  let calls = 0;
  const problems: string[] = [];
  const stopping = new AbortController();
  const ended = watchDomains({
    signal: stopping.signal,
    onChange: async () => void (calls += 1),
    onProblem: (error) => void problems.push((error as Error).message),
    gatherMs: 1,
    // Longer than a test.
    comparisonMs: 600_000,
    retryMs: 50,
    ...options,
  });
  return {
    calls: () => calls,
    problems,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

const absent = createVirsh({ uri: 'qemu:///system', program: 'no-such-virsh' });

test('without libvirt, nothing counts as a change, not even that time passes', async () => {
  const watching = watch({ virsh: absent, comparisonMs: 1, retryMs: 1 });
  await until('several tries', () => watching.problems.length > 3);
  const [first] = watching.problems;
  expect(first).toMatch(/no-such-virsh is not installed/);
  expect(watching.calls()).toBe(0);
  await watching.stop();
});

/** A guest without a disk, which idles in its firmware. */
const guest = (name: string) => ({
  xml: `<domain type='qemu'><name>${name}</name><memory unit='MiB'>16</memory><os>
    <type arch='x86_64' machine='q35'>hvm</type></os></domain>`,
});

needingLibvirt()('the domains of a libvirt', () => {
  let lab: LibvirtLab;
  beforeAll(async () => {
    lab = await openLibvirtLab();
  });
  afterAll(() => lab.close());

  const begin = async (options: Partial<WatchOptions> = {}): Promise<Watching> => {
    const watching = watch({ virsh: lab.virsh, ...options });
    // What changed before the watch began.
    await until('the first call', () => watching.calls() > 0);
    return watching;
  };

  const create = (name: string): Promise<unknown> => lab.virsh.run(['create', '/dev/stdin'], guest(name));
  const define = (name: string): Promise<unknown> => lab.virsh.run(['define', '/dev/stdin'], guest(name));

  test('that change are reported at once: one starts, one ends', async () => {
    const watching = await begin();
    const name = `guest-${randomUUID()}`;
    const before = watching.calls();
    await create(name);
    await until('a call for the start', () => watching.calls() > before);
    const started = watching.calls();
    await lab.virsh.run(['destroy', name]);
    await until('a call for the end', () => watching.calls() > started);
    await watching.stop();
    expect(watching.problems).toEqual([]);
  });

  test('are listed less often while a listing takes long', async () => {
    const times: { readonly begun: number; readonly ended: number }[] = [];
    const watching = watch({
      virsh: lab.virsh,
      comparisonMs: 1,
      onChange: async () => {
        const begun = performance.now();
        await sleep(20);
        times.push({ begun, ended: performance.now() });
      },
    });
    await until('a few listings', () => times.length > 3);
    await watching.stop();
    const shares = times.slice(1).map(({ begun }, index) => {
      const { begun: from, ended } = times[index] ?? { begun, ended: begun };
      return (begun - ended) / (ended - from);
    });
    expect(Math.min(...shares)).toBeGreaterThan(4.5);
  });

  test('are told when one ends, and not when one starts that the host itself starts', async () => {
    const asked: string[] = [];
    const isStarting = (domain: string): boolean => asked.push(domain) > 0;
    const watching = await begin({ isStarting });
    const name = `guest-${randomUUID()}`;
    const before = watching.calls();
    await create(name);
    await until('the start was heard of', () => asked.includes(name));
    expect(watching.calls()).toBe(before);
    await lab.virsh.run(['destroy', name]);
    await until('a call for the end', () => watching.calls() > before);
    await watching.stop();
  });

  test('are reported once for a burst of changes, and again only after the call before has settled', async () => {
    const gate: (() => void)[] = [];
    let calls = 0;
    const watching = watch({
      virsh: lab.virsh,
      onChange: () => {
        calls += 1;
        return new Promise((resolve) => void gate.push(resolve));
      },
    });
    await until('the first call', () => calls === 1);
    const names = Array.from({ length: 3 }, () => `guest-${randomUUID()}`);
    // They change within a moment: the pause after a call is a multiple of what it took.
    for (const name of names) await define(name);
    for (const name of names) await lab.virsh.run(['undefine', name]);
    expect(calls).toBe(1);
    gate[0]?.();
    await until('the call for all of them', () => calls === 2);
    gate[1]?.();
    const stopped = watching.stop();
    gate[2]?.();
    await stopped;
    expect(calls).toBeLessThanOrEqual(3);
  });

  test('are reported each minute without an event', async () => {
    const watching = await begin({ comparisonMs: 10 });
    await until('more calls', () => watching.calls() > 5);
    await watching.stop();
  });

  test('are reported once libvirtd is back after it was killed, and from then on', async () => {
    const watching = await begin();
    const before = watching.calls();
    await lab.killLibvirtd();
    await until('the problem', () => watching.problems.length > 0);
    await lab.startLibvirtd();
    await until('a call for its return', () => watching.calls() > before);
    const back = watching.calls();
    const name = `guest-${randomUUID()}`;
    await create(name);
    await until('a call for a start', () => watching.calls() > back);
    await lab.virsh.run(['destroy', name]);
    await watching.stop();
  });

  if (isFullRun)
    test('are still reported after a call has failed', async () => {
      let calls = 0;
      const watching = watch({
        virsh: lab.virsh,
        comparisonMs: 10,
        onChange: () => {
          calls += 1;
          return Promise.reject(new Error('no server'));
        },
      });
      await until('more calls', () => calls > 3);
      expect(watching.problems[0]).toBe('no server');
      await watching.stop();
    });
});
