import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { readWaits } from '../../orchestration/waits.ts';
import type { PriorityJob } from '../../model/payloads.ts';
import { isFullRun } from '../support/programs.ts';
import { downloaded, endless, failed } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

/** A template, and a pool by its name. */
const newCopy = async (pool: string, size = 1000) => ({
  templateId: await lab.addTemplate({ size }),
  poolId: lab.poolId(pool),
});

const causeOf = async (result: Promise<unknown>): Promise<Error | undefined> => {
  const error: unknown = await result.catch((reason: unknown) => reason);
  return error instanceof WorkflowFailedError ? error.cause : undefined;
};

test("brings a template onto a pool, and the job's result has its path", async () => {
  const host = await lab.addHost({ name: 'plain' });
  const copy = await newCopy('plain');
  const job = await lab.finished(await lab.prepare(copy));
  expect(job.job_status).toBe(1);
  const row = await lab.copy(copy);
  expect(row).toMatchObject({
    download_state: 'DOWNLOADED',
    download_pct: 100,
    state: 'Ready',
    template_size: 1000,
    physical_size: 1000,
    install_path: row?.uuid,
    local_path: `/pools/plain/${row?.uuid}`,
    sha256: 'ab'.repeat(32),
  });
  expect(job.job_result).toMatchObject({
    success: true,
    templatedeployment: [{ id: row?.uuid, storageid: copy.poolId, state: 'Ready' }],
  });
  expect(host.jobs).toMatchObject([{ url: 'http://origin.test/debian.qcow2', size: 1000, priority: 3 }]);
  expect(await lab.attempts(copy)).toMatchObject([{ host_name: 'plain', bytes: 1000, failure_kind: null }]);
  expect(await lab.workflow(copy).result()).toEqual({ v: 1, outcome: 'ready', hostId: host.hostId });
  expect(await lab.db.selectFrom('pool_reservation').selectAll().execute()).toEqual([]);
});

test('a copy that is ready is not downloaded again', async () => {
  const host = await lab.addHost({ name: 'again' });
  const copy = await newCopy('again');
  await lab.finished(await lab.prepare(copy));
  const job = await lab.finished(await lab.prepare(copy));
  expect(job.job_status).toBe(1);
  expect(host.jobs).toHaveLength(1);
});

if (isFullRun)
  test('a host that finds all bytes on the pool is recorded as the one that finished the copy', async () => {
    const script = endless();
    const host = await lab.addHost({ name: 'heir', script });
    const copy = await newCopy('heir');
    const jobId = await lab.prepare(copy);
    const result = downloaded(host.hostId, await script.begun, host.pool());
    script.release({ ...result, fetched: 0, tries: [] });
    expect((await lab.finished(jobId)).job_status).toBe(1);
    const told = {
      host_name: 'heir',
      bytes: 0,
      failure_kind: null,
      note: 'all bytes were on the pool already',
    };
    expect(await lab.attempts(copy)).toMatchObject([told]);
  });

const CALLERS = isFullRun ? 200 : 40;

test('many callers at once cause one download', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'crowd', script });
  const copy = await newCopy('crowd');
  const jobs = await Promise.all(Array.from({ length: CALLERS }, () => lab.prepare(copy)));
  script.release(downloaded(host.hostId, await script.begun, host.pool()));
  const ended = await Promise.all(jobs.map((job) => lab.finished(job)));
  expect(new Set(ended.map((job) => job.job_status))).toEqual(new Set([1]));
  expect(host.jobs).toHaveLength(1);
});

test('a request of a higher priority raises a download that runs, and the ones after it', async () => {
  const script = endless();
  const raised: PriorityJob[] = [];
  const host = await lab.addHost({
    name: 'raised',
    script: {
      ...script,
      raisePriority(job) {
        raised.push(job);
        return Promise.resolve({ v: 1, hostId: host.hostId });
      },
    },
  });
  const copy = await newCopy('raised');
  const jobId = await lab.prepare(copy);
  const { attemptId, priority } = await script.begun;
  expect(priority).toBe(3);
  for (const wanted of [1, 2, 1]) await lab.orchestration.requestDeployment(copy, { priority: wanted });
  await until('the host raises the download', () => raised.length > 0);
  script.release(downloaded(host.hostId, await script.begun, host.pool()));
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(raised).toEqual([{ v: 1, attemptId, priority: 1 }]);
});

test('running downloads are listed without a request to a worker', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'seen', script });
  const copy = await newCopy('seen');
  const jobId = await lab.prepare(copy);
  const job = await script.begun;
  const live = await until('progress is shown', async () => {
    const found = await lab.live(copy);
    return found?.progress === undefined ? undefined : found;
  });
  expect(live).toMatchObject({
    type: 'deployment',
    hostId: host.hostId,
    attempt: 1,
    progress: { phase: 'downloading', bytes: 400, total: 1000 },
  });
  expect(await lab.copy(copy)).toMatchObject({ download_state: 'DOWNLOAD_IN_PROGRESS', state: 'Creating' });
  script.release(downloaded(host.hostId, job, host.pool()));
  await lab.finished(jobId);
  await lab.copyEnded(copy);
  // The job gets its result before the workflow closes.
  await until('nothing runs any more', async () => (await lab.live(copy)) === undefined);
});

test('a host that falls silent during a download is passed over, and another host finishes', async () => {
  const silent = await lab.addHost({
    name: 'silent',
    pool: 'two',
    script: {
      download(job) {
        Context.current().heartbeat({
          v: 1,
          phase: 'downloading',
          bytes: 400,
          total: 1000,
          rate: 1,
          source: job.url,
        });
        return Context.current().cancelled;
      },
    },
  });
  const other = await lab.addHost({ name: 'other', pool: 'two' });
  await other.setUp(false);
  const copy = await newCopy('two');
  const jobId = await lab.prepare(copy);
  await until('the silent one has it', () => silent.jobs.length > 0);
  await other.setUp(true);
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(await lab.attempts(copy)).toMatchObject([
    { host_name: 'silent', failure_kind: 'HostGone', bytes: 400 },
    { host_name: 'other', failure_kind: null },
  ]);
  expect(new Set([silent.jobs[0]?.copyId, other.jobs[0]?.copyId]).size).toBe(1);
});

if (isFullRun)
  test('a host that never takes the download is passed over', async () => {
    await lab.addHost({ name: 'dead', pool: 'half', dead: true });
    const other = await lab.addHost({ name: 'alive', pool: 'half' });
    await other.setUp(false);
    const copy = await newCopy('half');
    const jobId = await lab.prepare(copy);
    await until('the dead one was chosen', async () => (await lab.live(copy))?.hostId !== undefined);
    await other.setUp(true);
    expect((await lab.finished(jobId)).job_status).toBe(1);
    expect(await lab.attempts(copy)).toMatchObject([
      { host_name: 'dead', failure_kind: 'HostGone', error_str: 'the host did not take the job' },
      { host_name: 'alive' },
    ]);
  });

test('without a host a deployment waits visibly, and goes on at a new request', async () => {
  const host = await lab.addHost({ name: 'down' });
  await host.setUp(false);
  const copy = await newCopy('down');
  const first = await lab.prepare(copy);
  const wait = await lab.waiting(copy, /down is Down/);
  expect(Date.parse(wait.until)).not.toBeNaN();
  const { typedSearchAttributes } = await lab.workflow(copy).describe();
  expect(typedSearchAttributes.getAll().map(({ value }) => value)).toEqual(
    expect.arrayContaining(['Waiting', 'NoHost', lab.zoneId, copy.templateId, copy.poolId]),
  );
  await until('monitoring sees the wait', async () =>
    (await readWaits(lab.temporal.client)).some(
      ({ workflow, reason, count }) => workflow === 'deployment' && reason === 'NoHost' && count > 0,
    ),
  );
  await host.setUp(true);
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  expect((await lab.finished(first)).job_status).toBe(1);
});

test('without room a deployment waits, shows the numbers, and goes on when there is room', async () => {
  const host = await lab.addHost({ name: 'full' });
  host.setFree(50 * 1_048_576);
  const copy = await newCopy('full', 100 * 1_048_576);
  const jobId = await lab.prepare(copy);
  await lab.waiting(copy, /pool full has no room: 100 MiB needed, 50 MiB free, .* reserved 0 MiB/);
  host.setFree(150 * 1_048_576);
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(host.jobs).toHaveLength(1);
});

test('space that is reserved for another download does not count as free', async () => {
  const script = endless();
  let first = true;
  const host = await lab.addHost({
    name: 'tight',
    script: {
      download(job) {
        if (!first) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
        first = false;
        return script.download(job);
      },
    },
  });
  host.setFree(1500);
  const [one, two] = [await newCopy('tight', 1000), await newCopy('tight', 1000)];
  const jobs = [await lab.prepare(one)];
  const job = await script.begun;
  jobs.push(await lab.prepare(two));
  await lab.waiting(two, /no room/);
  host.setFree(1200);
  script.release(downloaded(host.hostId, job, host.pool()));
  for (const id of jobs) expect((await lab.finished(id)).job_status).toBe(1);
});

if (isFullRun)
  test('a download waits for a disk that is full after all, then goes on', async () => {
    let calls = 0;
    const host = await lab.addHost({
      name: 'enospc',
      script: {
        download(job) {
          calls += 1;
          if (calls > 1) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
          throw failed(host.hostId, job, { kind: 'NoSpace', message: 'no space left' }, host.pool());
        },
      },
    });
    const copy = await newCopy('enospc');
    expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
    expect(await lab.attempts(copy)).toMatchObject([{ failure_kind: 'NoSpace' }, { failure_kind: null }]);
  });

test('a source that asks the client to wait is not tried before its time', async () => {
  let calls = 0;
  const host = await lab.addHost({
    name: 'patient',
    script: {
      download(job) {
        calls += 1;
        if (calls > 1) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
        throw failed(host.hostId, job, {
          kind: 'Throttled',
          message: 'answers 429 Too Many Requests',
          url: job.url,
          retryAfterMs: 2000,
        });
      },
    },
  });
  const copy = await newCopy('patient');
  const jobId = await lab.prepare(copy);
  const wait = await lab.waiting(copy, /origin.test.*429/);
  const failedAt = (await lab.attempts(copy))[0]?.ended.getTime() ?? 0;
  expect(Date.parse(wait.until) - failedAt).toBeGreaterThanOrEqual(2000);
  // Asking again does not shorten what the source asked for.
  await lab.prepare(copy);
  expect((await lab.finished(jobId)).job_status).toBe(1);
  const [, second] = await lab.attempts(copy);
  expect(second?.started.getTime()).toBeGreaterThanOrEqual(Date.parse(wait.until) - 100);
});

if (isFullRun)
  test('a source that fails for a while is tried again', async () => {
    let calls = 0;
    const host = await lab.addHost({
      name: 'flaky',
      script: {
        download(job) {
          calls += 1;
          if (calls > 2) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
          throw failed(host.hostId, job, { kind: 'ServerError', message: 'answers 500', url: job.url });
        },
      },
    });
    const copy = await newCopy('flaky');
    expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
    expect(host.jobs).toHaveLength(3);
  });

test('a source that keeps failing ends the deployment with a sentence; a repeated call tries again', async () => {
  let broken = true;
  const host = await lab.addHost({
    name: 'broken',
    script: {
      download(job) {
        if (!broken) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
        throw failed(host.hostId, job, { kind: 'ServerError', message: 'answers 500', url: job.url });
      },
    },
  });
  const copy = await newCopy('broken');
  const job = await lab.finished(await lab.prepare(copy));
  const sentence = 'http://origin.test/debian.qcow2: answers 500 (try again later, or give another mirror)';
  expect(job).toMatchObject({
    job_status: 2,
    job_result_code: 530,
    job_result: { errorcode: 530, errortext: sentence },
  });
  expect(await lab.copy(copy)).toMatchObject({
    download_state: 'DOWNLOAD_ERROR',
    state: 'Failed',
    error_str: sentence,
  });
  const cause = await causeOf(lab.workflow(copy).result());
  expect(cause).toBeInstanceOf(ApplicationFailure);
  expect(cause).toMatchObject({ message: sentence, type: 'ServerError' });
  broken = false;
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', error_str: null });
});

if (isFullRun)
  test('wrong content is not tried again', async () => {
    const host = await lab.addHost({
      name: 'wrong',
      script: {
        download(job) {
          throw failed(host.hostId, job, { kind: 'ChecksumMismatch', message: 'has another checksum' });
        },
      },
    });
    const copy = await newCopy('wrong');
    expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(2);
    expect(host.jobs).toHaveLength(1);
  });

const broken = (name: string) => ({
  download(job: Parameters<typeof failed>[1]) {
    throw failed(name, job, { kind: 'DiskBroken', message: `disk of ${name} answers EIO` });
  },
});

if (isFullRun) {
  test('a host with a broken disk is passed over; when all are broken, the job fails with the reason', async () => {
    await lab.addHost({ name: 'b1', pool: 'disks', script: broken('b1') });
    await lab.addHost({ name: 'b2', pool: 'disks', script: broken('b2') });
    const copy = await newCopy('disks');
    const job = await lab.finished(await lab.prepare(copy));
    expect(job).toMatchObject({ job_status: 2, job_result_code: 534 });
    expect((await lab.attempts(copy)).map(({ host_name }) => host_name).toSorted()).toEqual(['b1', 'b2']);
  });

  test("an error in the host's own program ends the deployment", async () => {
    await lab.addHost({
      name: 'bug',
      script: {
        download: () => Promise.reject(new TypeError('undefined is not a function')),
      },
    });
    const copy = await newCopy('bug');
    const job = await lab.finished(await lab.prepare(copy));
    expect(job.job_result).toMatchObject({
      errortext: 'the host failed: undefined is not a function (see the log of the host worker)',
      errors: [{ kind: 'HostFault', host: { name: 'bug' } }],
    });
  });
}

test('secrets reach the chosen host, sealed for it', async () => {
  const secrets = {
    v: 1,
    origin: 'http://origin.test',
    headers: [{ name: 'X-Key', value: 'open sesame' }],
  } as const;
  const host = await lab.addHost({ name: 'sealed' });
  const copy = { templateId: await lab.addTemplate({ secrets }), poolId: lab.poolId('sealed') };
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  const box = host.jobs[0]?.sealed ?? '';
  expect(await host.open(box, copy.templateId)).toMatchObject(secrets);
});

test('a template that cannot be deployed fails with a sentence', async () => {
  await lab.addHost({ name: 'fine' });
  const nowhere = { templateId: await lab.addTemplate(), poolId: lab.poolId('nowhere') };
  const job = await lab.finished(await lab.prepare(nowhere));
  expect(job.job_result).toMatchObject({ errortext: `There is no storage pool ${nowhere.poolId}` });
  expect((await causeOf(lab.workflow(nowhere).result()))?.message).toBe(
    `There is no storage pool ${nowhere.poolId}`,
  );
});

test('a deployment goes on when the control worker is replaced during it', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'replaced', script });
  const copy = await newCopy('replaced');
  const jobId = await lab.prepare(copy);
  const job = await script.begun;
  await lab.restartControl();
  script.release(downloaded(host.hostId, job, host.pool()));
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(host.jobs).toHaveLength(1);
});

test('a deployment waits for a database that is away for a while', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'outage', script });
  const copy = await newCopy('outage');
  const jobId = await lab.prepare(copy);
  const job = await script.begun;
  const back = await lab.database.takeAway();
  script.release(downloaded(host.hostId, job, host.pool()));
  await until('it is tried again', async () => {
    const { raw } = await lab.workflow(copy).describe();
    return raw.pendingActivities?.some(
      ({ activityType, attempt }) => activityType?.name === 'finishCopy' && (attempt ?? 0) > 1,
    );
  });
  await back();
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(await lab.attempts(copy)).toHaveLength(1);
});
