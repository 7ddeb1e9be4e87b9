/** Records a deployment for each rule by which it decides after a failed download, and for each wait and stop. */
import { Context } from '@temporalio/activity';
import type { Failure } from '../../model/failures.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { downloaded, endless, failed } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';
import { newCopy, savingFrom } from './recording.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const save = savingFrom(() => lab);

interface ScriptedFailure extends Omit<Failure, 'message'> {
  /** Bytes that lie on the pool after it. */
  readonly position?: number;
}

/** A host whose downloads fail with these, one after the other, and succeed then. */
const failing = (name: string, pool: string, failures: readonly ScriptedFailure[]): Promise<ScriptedHost> => {
  const left = [...failures];
  const adding: Promise<ScriptedHost> = lab.addHost({
    name,
    pool,
    script: {
      async download(job) {
        const host = await adding;
        const next = left.shift();
        if (next === undefined) return downloaded(host.hostId, job, host.pool());
        const { position = 0, ...failure } = next;
        const parts = { [job.copyId]: position };
        throw failed(
          host.hostId,
          job,
          { ...failure, message: `it is ${failure.kind}` },
          { ...host.pool(), parts },
        );
      },
    },
  });
  return adding;
};

const times = (count: number, one: ScriptedFailure): readonly ScriptedFailure[] => Array.from({ length: count }, () => one);

test.each<readonly [name: string, failures: readonly ScriptedFailure[]]>([
  ['request-wrong', [{ kind: 'Unsupported' }]],
  ['content-wrong', [{ kind: 'ChecksumMismatch' }]],
  ['source-stays', [{ kind: 'NotFound' }]],
  ['source-rounds', times(3, { kind: 'ServerError' })],
  ['source-passes', [{ kind: 'Unreachable' }, { kind: 'Stalled', position: 400 }, { kind: 'Stalled', position: 800 }]],
  ['host-gone', times(3, { kind: 'HostGone' })],
  ['throttled-as-asked', [{ kind: 'Throttled', retryAfterMs: 300 }]],
  ['throttled-rounds', times(3, { kind: 'Throttled' })],
  ['no-space', [{ kind: 'NoSpace' }]],
])('deployment-%s', async (name, failures) => {
  await failing(name, name, failures);
  const copy = await newCopy(lab, name);
  await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  await save(`deployment-${name}`, lab.workflow(copy));
});

test('deployment-host-fails', async () => {
  await failing('cannot', 'able', [{ kind: 'HostFault' }]);
  const other = await lab.addHost({ name: 'can', pool: 'able' });
  await other.setUp(false);
  const copy = await newCopy(lab, 'able');
  const job = await lab.prepare(copy);
  await lab.waiting(copy, /cannot has failed/);
  await other.setUp(true);
  await lab.finished(job);
  await lab.copyEnded(copy);
  await save('deployment-host-fails', lab.workflow(copy));
});

test('deployment-waits-for-space', async () => {
  const host = await lab.addHost({ name: 'full' });
  host.setFree(10);
  const copy = await newCopy(lab, 'full');
  const job = await lab.prepare(copy);
  await lab.waiting(copy, /no room/);
  host.setFree(1_000_000);
  await lab.finished(job);
  await lab.copyEnded(copy);
  await save('deployment-waits-for-space', lab.workflow(copy));
});

test('deployment-there-already', async () => {
  await lab.addHost({ name: 'there' });
  const copy = await newCopy(lab, 'there');
  await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  await save('deployment-there-already', lab.workflow(copy));
});

test.each(['keeps', 'keeps-and-goes-on', 'in-temporal'] as const)('deployment-stopped-%s', async (how) => {
  const script = endless();
  let calls = 0;
  const host: ScriptedHost = await lab.addHost({
    name: how,
    script: {
      download(job) {
        calls += 1;
        return calls === 1
          ? script.download(job)
          : Promise.resolve(downloaded(host.hostId, job, host.pool()));
      },
    },
  });
  const copy = await newCopy(lab, how);
  await lab.prepare(copy);
  await script.begun;
  if (how === 'in-temporal') await lab.workflow(copy).cancel();
  else await lab.orchestration.requestStop(copy, { by: 'ann', remove: false });
  if (how === 'keeps-and-goes-on') await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  await save(`deployment-stopped-${how}`, lab.workflow(copy));
});

test('deployment-attempt-lost', async () => {
  const host: ScriptedHost = await lab.addHost({
    name: 'reborn',
    script: {
      download(job) {
        if (host.jobs.length > 1) return Promise.resolve(downloaded(host.hostId, job, host.pool()));
        const attempt = { id: job.attemptId, incarnation: 'first', tries: [] };
        const beat = { v: 1, phase: 'downloading', bytes: 400, total: 1000, rate: 1, source: job.url };
        Context.current().heartbeat({ ...beat, attempt });
        return Context.current().cancelled;
      },
    },
  });
  const copy = await newCopy(lab, 'reborn');
  const job = await lab.prepare(copy);
  await until('it beats', async () => (await lab.live(copy))?.progress !== undefined);
  const { signal } = new AbortController();
  await until('the attempt is reported as lost', () => lab.orchestration.signalLostAttempts(host.hostId, 'second', signal));
  await lab.finished(job);
  await lab.copyEnded(copy);
  await save('deployment-attempt-lost', lab.workflow(copy));
});

test('removal-host-fails', async () => {
  let calls = 0;
  const host: ScriptedHost = await lab.addHost({
    name: 'clumsy',
    script: {
      remove() {
        calls += 1;
        return calls === 1
          ? Promise.reject(new Error('busy'))
          : Promise.resolve({ v: 1, hostId: host.hostId, files: 1, pool: host.pool() });
      },
    },
  });
  const copy = await newCopy(lab, 'clumsy');
  await lab.finished(await lab.prepare(copy));
  await lab.copyEnded(copy);
  await lab.orchestration.requestRemoval(copy, { by: 'ann' });
  await lab.copyEnded(copy);
  await save('removal-host-fails', lab.workflow(copy));
});
