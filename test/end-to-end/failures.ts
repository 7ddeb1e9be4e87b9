/** Failures are reported where people look for them, and leave nothing behind. */
import { noise, qcow2Image, rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const MIB = 1_048_576;

/** @param opened returns the lab, once it is open */
export function failures(opened: () => EndToEnd): void {
  let lab: EndToEnd;
  beforeAll(() => {
    lab = opened();
  });

  test('a wrong checksum publishes nothing, and the deployment and Temporal show the reason', async () => {
    lab.server.serve('/wrong', { body: rawDisk(2 * MIB) });
    const files = await lab.published();
    const image = await lab.register({
      url: lab.server.url('/wrong'),
      checksum: `{SHA-256}${'0'.repeat(64)}`,
    });
    const job = await lab.job(await lab.prepare(image.id));
    expect(job).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
    expect(job.jobresult.errortext).toContain('checksum');
    const [copy] = await lab.deployments({ templateid: image.id });
    expect(copy).toMatchObject({ state: 'Failed', downloadstate: 'DOWNLOAD_ERROR' });
    expect(copy?.error).toContain('checksum');
    expect(await lab.published()).toEqual(files);
    await lab.workflows(`TemplateId = '${image.id}' AND ExecutionStatus = 'Failed'`);
    expect(await lab.failureOf(`copy:${image.id}:${lab.pool.id}`)).toContain('checksum');
  });

  if (isFullRun)
    test('the same call restarts a failed deployment', async () => {
      lab.server.serve('/later', { body: rawDisk(MIB) });
      const image = await lab.register({ url: lab.server.url('/later') });
      lab.server.serve('/later', { status: 404 });
      expect((await lab.job(await lab.prepare(image.id))).jobstatus).toBe(2);
      lab.server.serve('/later', { body: rawDisk(MIB) });
      const [copy] = await lab.deploy(image.id);
      expect(copy).toMatchObject({ state: 'Ready' });
      expect(copy?.attempts.map(({ errorkind }) => errorkind)).toEqual(['NotFound', undefined]);
    });

  test('a hostile qcow2 is refused at registration by its header, and leaves nothing', async () => {
    lab.server.serve('/hostile', { body: qcow2Image({ backingOffset: 512n, backingSize: 11 }) });
    const refusal = await lab.refused({ url: lab.server.url('/hostile'), format: 'QCOW2', name: 'hostile' });
    expect(refusal.errortext).toContain('backing file');
    expect(await lab.rowsNamed('hostile')).toBe(0);
  });

  const pages = [
    ['a web page', Buffer.concat([Buffer.from('<html>'), noise(MIB)]), 'HTML'],
    ['nothing at all', Buffer.alloc(0), 'empty'],
  ] as const;
  if (isFullRun)
    test.each(pages)('%s is no image', async (_name, body, word) => {
      lab.server.serve('/no-image', { body });
      const refusal = await lab.refused({ url: lab.server.url('/no-image'), name: 'no-image' });
      expect(refusal.errortext).toContain(word);
      expect(await lab.rowsNamed('no-image')).toBe(0);
    });

  if (isFullRun)
    test('a registration terminated in Temporal is removed', async () => {
      lab.server.serve('/silent', { silent: true });
      const name = 'terminated';
      const registering = lab.refused({ url: lab.server.url('/silent'), name });
      await until('the row of the registration is there', async () => (await lab.rowsNamed(name)) === 1);
      const [running] = await lab.workflows(`WorkflowType = 'registration' AND ExecutionStatus = 'Running'`);
      await lab.temporal.workflow.getHandle(running?.workflowId ?? '').terminate('by the test');
      await registering;
      await lab.repairSoon();
      await until('the row is swept', async () => (await lab.rowsNamed(name)) === 0);
    });

  if (isFullRun)
    test('a deployment waits for a throttling server, and shows the reason and the time of the next attempt', async () => {
      const body = rawDisk(MIB);
      lab.server.serve('/busy', { body });
      const image = await lab.register({ url: lab.server.url('/busy') });
      let busy = true;
      // The server throttles until the test has seen the wait.
      lab.server.serve('/busy', () => (busy ? { status: 503, headers: { 'retry-after': '3' } } : { body }));
      const job = await lab.prepare(image.id);
      await until('the wait is reported', async () => {
        const [copy] = await lab.deployments({ templateid: image.id });
        return copy?.waitreason?.includes('503') === true && copy.nexttry !== undefined;
      });
      busy = false;
      expect((await lab.job(job)).jobstatus).toBe(1);
    });

  test('a cancelled deployment keeps its bytes for the next attempt, and loses them with cleanup', async () => {
    const body = rawDisk(6 * MIB);
    // Long enough for the host to receive the cancellation.
    const slow = { body, stallAfter: 2 * MIB };
    lab.server.serve('/slow', slow);
    const image = await lab.register({ url: lab.server.url('/slow') });
    const first = await lab.prepare(image.id);
    const bytesOf = async (): Promise<number> =>
      (await lab.deployments({ templateid: image.id }))[0]?.bytes ?? 0;
    await until('bytes flow', async () => (await bytesOf()) > MIB);
    await lab.call('cancelTemplateDeployment', { templateid: image.id, storageid: lab.pool.id });
    const job = await lab.job(first);
    expect(job.jobstatus).toBe(2);
    expect(job.jobresult.errortext).toContain('cancelled');
    const stopped = await until('the copy says so', async () => {
      const [copy] = await lab.deployments({ templateid: image.id });
      return copy?.downloadstate === 'NOT_DOWNLOADED' && copy;
    });
    expect(stopped.bytes).toBeGreaterThan(MIB);
    expect(stopped).toMatchObject({
      attemptcount: 1,
      percent: expect.any(Number),
      hostname: expect.any(String),
    });
    expect(stopped.attempts).toMatchObject([{ note: 'stopped: the deployment was cancelled' }]);
    expect(stopped.attempts[0]?.bytes).toBeGreaterThan(MIB);
    const before = lab.server.seen('/slow').bytes;
    lab.server.serve('/slow', { body });
    await lab.deploy(image.id);
    expect(lab.server.seen('/slow').bytes - before).toBeLessThan(5 * MIB);

    lab.server.serve('/slow2', slow);
    const other = await lab.register({ url: lab.server.url('/slow2') });
    const second = await lab.prepare(other.id);
    await until(
      'bytes flow',
      async () => ((await lab.deployments({ templateid: other.id }))[0]?.bytes ?? 0) > 0,
    );
    await lab.call('cancelTemplateDeployment', {
      templateid: other.id,
      storageid: lab.pool.id,
      cleanup: true,
    });
    expect((await lab.job(second)).jobstatus).toBe(2);
    await until(
      'the copy is gone',
      async () => (await lab.deployments({ templateid: other.id })).length === 0,
    );
    expect(await lab.partsOf(lab.pool)).toEqual([]);
  });

  test('bad input is refused with the name of the parameter, without contacting or storing anything', async () => {
    lab.server.serve('/untouched', { body: rawDisk(MIB) });
    const url = lab.server.url('/untouched');
    const cases = [
      [{ url, checksum: '{SHA-256}12' }, 'checksum'],
      [{ url, hypervisor: 'VMware' }, 'hypervisor'],
      [{ url, directdownload: 'false' }, 'directdownload'],
      [{ url: 'ftp://127.0.0.1/a.img' }, 'url'],
      [{ url, 'details[0].HTTP_HEADER': 'no colon' }, 'HTTP_HEADER'],
      [{ url, format: 'VMDK' }, 'format'],
    ] as const;
    for (const [parameters, word] of cases) {
      const refusal = await lab.refused({ ...parameters, name: 'bad-input' });
      expect([refusal.errorcode, refusal.errortext]).toEqual([431, expect.stringContaining(word)]);
    }
    expect(lab.server.seen('/untouched').requests).toHaveLength(0);
    expect(await lab.rowsNamed('bad-input')).toBe(0);
  });
}
