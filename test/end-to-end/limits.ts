/** Limits of a host are changed during downloads. */
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const MIB = 1_048_576;
const SLOW = MIB / 4;

interface Limited {
  readonly id: string;
  readonly name: string;
  readonly ratelimit?: number;
  readonly downloadlimit?: number;
  readonly currentratelimit?: number;
  readonly currentdownloadlimit?: number;
}

/** @param opened returns the lab, once it is open */
export function limits(opened: () => EndToEnd): void {
  let lab: EndToEnd;
  beforeAll(() => {
    lab = opened();
  });

  const host = async (): Promise<Limited> => (await lab.hosts())[0] as Limited;
  const limit = async (parameters: Readonly<Record<string, number>>): Promise<void> => {
    await lab.call('updateHost', { id: (await host()).id, ...parameters });
  };
  const inForce = (what: string, expected: Partial<Limited>): Promise<unknown> =>
    until(what, async () => {
      const found = await host();
      return Object.entries(expected).every(([name, value]) => found[name as keyof Limited] === value);
    });
  const begin = async (path: string): Promise<{ readonly id: string; readonly job: string }> => {
    lab.server.serve(path, { body: rawDisk(16 * MIB) });
    const { id } = await lab.register({ url: lab.server.url(path) });
    return { id, job: await lab.prepare(id) };
  };
  const bytesOf = async (id: string): Promise<number> =>
    (await lab.deployments({ templateid: id }))[0]?.bytes ?? 0;

  test('changed limits slow a download down, speed it up, and start a waiting one', async () => {
    await limit({ ratelimit: SLOW, downloadlimit: 1 });
    await inForce('both limits', { currentratelimit: SLOW, currentdownloadlimit: 1 });
    const first = await begin('/limited-1');
    await until('the first begins', async () => (await bytesOf(first.id)) > 0);
    const second = await begin('/limited-2');
    await until('the second waits for its turn', async () => {
      const [copy] = await lab.deployments({ templateid: second.id });
      return (copy as { readonly phase?: string } | undefined)?.phase === 'waiting';
    });
    await limit({ downloadlimit: 2 });
    await until('the second begins', async () => (await bytesOf(second.id)) > 0);
    expect(await bytesOf(first.id)).toBeLessThan(16 * MIB);
    await limit({ ratelimit: 0 });
    for (const { job } of [first, second]) expect((await lab.job(job)).jobstatus).toBe(1);
  });

  if (isFullRun)
    test('a restarted host has the limits again, and its own settings after a reset', async () => {
      await limit({ ratelimit: 7 * MIB, downloadlimit: 3 });
      await inForce('the limits', { currentratelimit: 7 * MIB, currentdownloadlimit: 3 });
      const { name } = await host();
      const before = lab.pids().hosts[0];
      lab.killHost(name);
      await until('another process', () => lab.pids().hosts[0] !== before);
      await limit({ ratelimit: 8 * MIB });
      await inForce('the limits in the new process', { currentratelimit: 8 * MIB, currentdownloadlimit: 3 });
      await limit({ ratelimit: -1, downloadlimit: -1 });
      await inForce('its own settings', { currentratelimit: 0, currentdownloadlimit: 2 });
      expect(await host()).not.toHaveProperty('ratelimit');
    }, 240_000);
}
