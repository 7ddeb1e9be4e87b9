/** Deployments, removals and a dead Temporal server, all at the wrong moment. */
import { readFile } from 'node:fs/promises';
import { rawDisk } from '../support/images.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const MIB = 1_048_576;

/** @param opened returns the lab, once it is open */
export function interruptions(opened: () => EndToEnd): void {
  let lab: EndToEnd;
  beforeAll(() => {
    lab = opened();
  });

  if (isFullRun)
    test("when Temporal's server is killed during a download and restarts, the download completes", async () => {
      const body = rawDisk(16 * MIB);
      lab.server.serve('/long', { body, pauseMs: 50 });
      const image = await lab.register({ url: lab.server.url('/long') });
      const job = await lab.prepare(image.id);
      await until(
        'bytes flow',
        async () => ((await lab.deployments({ templateid: image.id }))[0]?.bytes ?? 0) > MIB,
      );
      const before = lab.server.seen('/long').bytes;
      process.kill(lab.pids().temporal, 'SIGKILL');
      expect((await lab.job(job, 240_000)).jobstatus).toBe(1);
      const [copy] = await lab.deployments({ templateid: image.id });
      expect(copy).toMatchObject({ state: 'Ready' });
      expect((await readFile(copy?.localpath ?? '')).equals(body)).toBe(true);
      expect(lab.server.seen('/long').bytes).toBeGreaterThan(before);
      expect(lab.server.seen('/long').bytes).toBeLessThan(1.5 * body.length);
    }, 300_000);

  test('a template deleted during its download leaves neither file nor row', async () => {
    // Each answer stops early, so that the download cannot end before the deletion.
    lab.server.serve('/doomed', { body: rawDisk(64 * MIB), stallAfter: 1.5 * MIB });
    const image = await lab.register({ url: lab.server.url('/doomed') });
    const files = await lab.published();
    const deploying = await lab.prepare(image.id);
    await until(
      'bytes flow',
      async () => ((await lab.deployments({ templateid: image.id }))[0]?.bytes ?? 0) > MIB,
    );
    await lab.delete('RAW', image.id);
    expect((await lab.job(deploying)).jobstatus).toBe(2);
    expect(await lab.templates({ id: image.id })).toEqual([]);
    expect(await lab.deployments({ templateid: image.id })).toEqual([]);
    expect(await lab.published()).toEqual(files);
    expect(await lab.partsOf(lab.pool)).toEqual([]);
  });

  if (isFullRun)
    test('a deployment requested during a removal runs after it', async () => {
      const body = rawDisk(4 * MIB);
      lab.server.serve('/twice', { body });
      const image = await lab.register({ url: lab.server.url('/twice') });
      await lab.deploy(image.id);
      await lab.call('cancelTemplateDeployment', {
        templateid: image.id,
        storageid: lab.pool.id,
        cleanup: true,
      });
      const job = await lab.job(await lab.prepare(image.id, lab.pool.id));
      expect(job.jobstatus).toBe(1);
      await until(
        'the copy is there',
        async () => (await lab.deployments({ templateid: image.id }))[0]?.state === 'Ready',
      );
      const [copy] = await lab.deployments({ templateid: image.id });
      expect((await readFile(copy?.localpath ?? '')).equals(body)).toBe(true);
    });

  test.each(casesOfForm(['control', 'api', 'host'] as const))(
    'the %s process is killed during a download',
    async (victim) => {
      const body = rawDisk(8 * MIB);
      lab.server.serve(`/kill-${victim}`, { body, pauseMs: 40 });
      const image = await lab.register({ url: lab.server.url(`/kill-${victim}`) });
      const job = await lab.prepare(image.id);
      await until(
        'bytes flow',
        async () => ((await lab.deployments({ templateid: image.id }))[0]?.bytes ?? 0) > MIB,
      );
      const { control, api, hosts } = lab.pids();
      process.kill({ control, api, host: hosts[0] ?? 0 }[victim], 'SIGKILL');
      expect((await lab.job(job, 180_000)).jobstatus).toBe(1);
      const [copy] = await lab.deployments({ templateid: image.id });
      expect((await readFile(copy?.localpath ?? '')).equals(body)).toBe(true);
    },
    240_000,
  );
}
