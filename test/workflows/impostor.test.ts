/** Somebody who reaches Temporal, but is not the host, takes the host's jobs and answers them. */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, Worker } from '@temporalio/worker';
import { createControlActivities } from '../../activities/control/activities.ts';
import { withProof } from '../../activities/host/proof.ts';
import { hostQueue, transferQueue } from '../../model/names.ts';
import type { DownloadJob, ProbeJob } from '../../model/payloads.ts';
import type { Secrets } from '../../model/source.ts';
import { openForHost } from '../../trust/sealing.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { downloaded, failed, reachable } from '../support/scripted-host.ts';
import type { HostScript, ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const own = generateKeyPairSync('ed25519');

const context = (): MockActivityEnvironment =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

/** Polls both queues of the host, as anybody can who has the address of the namespace. */
async function impostorOf(host: ScriptedHost, script: HostScript): Promise<() => Promise<void>> {
  const { connection, namespace } = lab.temporal;
  const common = { connection, namespace, identity: 'impostor', shutdownForceTime: '1 second' } as const;
  const report = { v: 1 as const, hostId: host.hostId, version: 'forged', pools: [], programs: [] };
  const activities = { describeHost: () => Promise.resolve(report), ...script };
  const workers = await Promise.all(
    [hostQueue(host.hostId), transferQueue(host.hostId)].map((taskQueue) =>
      Worker.create({ ...common, taskQueue, activities }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  return async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  };
}

/** What the impostor can make: every signature but the host's. */
const selfSigned = (host: ScriptedHost, script: HostScript): HostScript => {
  const signer = {
    hostId: host.hostId,
    sign: (text: string) => sign(null, Buffer.from(text), own.privateKey).toString('base64url'),
  };
  return withProof(signer, script);
};

const victim = async (changes: { readonly pool?: string } = {}): Promise<ScriptedHost> =>
  lab.addHost({ name: `victim-${randomUUID().slice(0, 8)}`, dead: true, ...changes });

const newCopy = async (host: ScriptedHost, secrets?: Secrets) => ({
  templateId: await lab.addTemplate(secrets === undefined ? {} : { secrets }),
  poolId: host.pool().id,
});

const refusals = (host: ScriptedHost) =>
  lab.db
    .selectFrom('event')
    .where('type', '=', 'HOST.ANSWER.REFUSED')
    .where('resource_uuid', '=', host.hostId)
    .selectAll()
    .execute();

describe('a registration', () => {
  const disguises = [
    ['signed with another key', selfSigned],
    ['unsigned', (_host: ScriptedHost, script: HostScript) => script],
  ] as const;
  test.each(casesOfForm(disguises))('is not believed when the answer is %s', async (_what, disguise) => {
    const host = await victim();
    const probe = ({ url }: ProbeJob) =>
      Promise.resolve({ v: 1 as const, hostId: host.hostId, urls: [reachable(url)] });
    const leave = await impostorOf(host, disguise(host, { probe }));
    const input = lab.registration();
    const outcome = await lab.orchestration.register(input, 30_000);
    expect(outcome).toMatchObject({
      outcome: 'refused',
      refusal: {
        message: expect.stringContaining('the host did not sign what came as its answer') as string,
        tried: [expect.stringMatching(/^victim-\w+$/) as string],
      },
    });
    const row = lab.db.selectFrom('vm_template').where('uuid', '=', input.templateId).select('id');
    expect(await row.executeTakeFirst()).toBeUndefined();
    expect(await refusals(host)).toMatchObject([
      { level: 'ERROR', workflow_id: `template:${input.templateId}` },
    ]);
    await leave();
    await host.setUp(false);
  });

  if (isFullRun)
    test('is done by the next host', async () => {
      const host = await victim();
      const leave = await impostorOf(host, {
        probe: ({ url }) => Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] }),
      });
      const good = await lab.addHost({ name: 'good' });
      const registered = await Promise.all(
        Array.from({ length: 6 }, () => lab.orchestration.register(lab.registration(), 30_000)),
      );
      expect(registered).toEqual(registered.map(() => ({ outcome: 'active' })));
      await leave();
      await host.setUp(false);
      await good.setUp(false);
    });
});

describe('a deployment', () => {
  test('takes no result from an impostor, leaks no secret, and goes on with the host itself', async () => {
    const host = await victim();
    const secrets = {
      v: 1 as const,
      origin: 'http://origin.test',
      headers: [{ name: 'X', value: 'canary' }],
    };
    const copy = await newCopy(host, secrets);
    const taken: DownloadJob[] = [];
    const leave = await impostorOf(host, {
      download(job) {
        taken.push(job);
        return Promise.resolve(downloaded(host.hostId, job, host.pool()));
      },
    });
    const job = await lab.prepare(copy);
    await lab.waiting(copy, /did not sign what came as its answer to download/);
    expect((await lab.copy(copy))?.download_state).toBe('DOWNLOAD_IN_PROGRESS');
    const [attempt] = await lab.attempts(copy);
    expect(attempt).toMatchObject({ failure_kind: 'NotSigned', host_name: host.name });
    expect((await refusals(host)).length).toBeGreaterThan(0);
    const [stolen] = taken as [DownloadJob];
    expect(JSON.stringify(stolen)).not.toContain('canary');
    const { privateKey } = generateKeyPairSync('x25519');
    const label = { templateId: copy.templateId, hostId: host.hostId };
    await expect(openForHost(privateKey, stolen.sealed ?? '', label)).rejects.toThrow(/cannot be opened/);
    expect(await host.open(stolen.sealed ?? '', copy.templateId)).toMatchObject(secrets);
    await leave();
    await host.start();
    expect(await lab.finished(job)).toMatchObject({ job_status: 1 });
    expect(await lab.copy(copy)).toMatchObject({ download_state: 'DOWNLOADED', state: 'Ready' });
  });

  const failures = [
    ['a failure', (job: DownloadJob) => failed('h', job, { kind: 'ChecksumMismatch', message: 'bad bytes' })],
    ['a failure in the words of the SDK', () => ApplicationFailure.nonRetryable('no such activity')],
  ] as const;
  test.each(casesOfForm(failures))(
    'does not end by %s that the host did not sign',
    async (_what, failure) => {
      const host = await victim();
      const leave = await impostorOf(host, { download: (job) => Promise.reject(failure(job)) });
      const copy = await newCopy(host);
      const job = await lab.prepare(copy);
      await lab.waiting(copy, /did not sign/);
      expect((await lab.copy(copy))?.state).toBe('Creating');
      await leave();
      await host.start();
      expect(await lab.finished(job)).toMatchObject({ job_status: 1 });
    },
  );

  test('takes no answer that the host signed for another call', async () => {
    const seen: object[] = [];
    const host = await lab.addHost({ name: `replayed-${randomUUID().slice(0, 8)}` });
    const first = await newCopy(host);
    await lab.finished(await lab.prepare(first));
    const { events } = await lab.workflow(first).fetchHistory();
    for (const { activityTaskCompletedEventAttributes: done } of events ?? []) {
      const data = done?.result?.payloads?.[0]?.data;
      const answer = data?.length ? (JSON.parse(Buffer.from(data).toString()) as { proof?: unknown }) : {};
      if (answer?.proof !== undefined && 'sha256' in answer) seen.push(answer);
    }
    expect(seen).toHaveLength(1);
    await host.stop();
    const leave = await impostorOf(host, { download: () => Promise.resolve(seen[0] as never) });
    const second = await newCopy(host);
    await lab.prepare(second);
    await lab.waiting(second, /did not sign/);
    await lab.orchestration.requestStop(second, { by: 'the test', remove: false });
    await lab.copyEnded(second);
    await leave();
  });
});

if (isFullRun)
  test('a removal takes no unsigned result', async () => {
    const host = await lab.addHost({ name: `removing-${randomUUID().slice(0, 8)}` });
    const copy = await newCopy(host);
    await lab.finished(await lab.prepare(copy));
    await host.stop();
    const leave = await impostorOf(host, {
      remove: () => Promise.resolve({ v: 1, hostId: host.hostId, files: 1, pool: host.pool() }),
    });
    await lab.orchestration.requestRemoval(copy, { by: 'ann' });
    await lab.waiting(copy, /did not sign what came as its answer to remove/);
    expect(await lab.copy(copy)).toMatchObject({ state: 'Destroying' });
    await leave();
    await host.start();
    await until('the copy is removed', async () => (await lab.copy(copy)) === undefined);
  });

test('an unsigned report is not recorded', async () => {
  const host = await victim();
  const leave = await impostorOf(host, {
    describeHost: () =>
      Promise.resolve({
        v: 1,
        hostId: host.hostId,
        version: 'forged',
        pools: [{ ...host.pool(), free: 0 }],
        programs: [],
      }),
  });
  await lab.startUpkeep();
  await until('the answer is refused', async () => (await refusals(host)).length > 0);
  await lab.endUpkeep();
  const pool = lab.db.selectFrom('storage_pool').where('uuid', '=', host.pool().id).select('free_bytes');
  expect((await pool.executeTakeFirst())?.free_bytes).toBe(1_000_000);
  await leave();
});

test('a result is verified again before it is recorded: a workflow that somebody else started changes nothing', async () => {
  const host = await victim();
  const copy = await newCopy(host);
  const { db, masterKey, orchestration } = lab;
  const control = createControlActivities({ db, masterKey, orchestration, protocols: PROTOCOLS });
  const ending = { copy, outcomeId: randomUUID() };
  const removal = { v: 1 as const, hostId: host.hostId, files: 1, pool: host.pool() };
  const report = { v: 1 as const, hostId: host.hostId, version: '1', pools: [], programs: [] };
  const found = { v: 1 as const, hostId: host.hostId, urls: [] };
  const calls = [
    () => control.finishRemoval(ending, randomUUID(), removal, 'mallory'),
    () => control.recordReport(report),
    () => control.completeRegistration(lab.registration(), found, host.name),
  ];
  for (const call of calls) await expect(context().run(call)).rejects.toMatchObject({ type: 'NotSigned' });
});
