/** Hosts one release older or newer than the control side. */
import type { Failure } from '../../model/failures.ts';
import type { DownloadResult, HostReport } from '../../model/payloads.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { downloaded, failed } from '../support/scripted-host.ts';
import type { HostScript, ScriptedHost } from '../support/scripted-host.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const newCopy = async (pool: string) => ({ templateId: await lab.addTemplate(), poolId: lab.poolId(pool) });

/** A host whose first download ends like this, and whose later ones succeed. */
async function hostThatFirst(
  name: string,
  first: HostScript['download'],
  pool = name,
): Promise<ScriptedHost> {
  const host: ScriptedHost = await lab.addHost({
    name,
    pool,
    script: {
      download: (job) =>
        host.jobs.length === 1 && first !== undefined
          ? first(job)
          : Promise.resolve(downloaded(host.hostId, job, host.pool())),
    },
  });
  return host;
}

const unknownFailure = (rest: Omit<Failure, 'kind'>): Failure =>
  ({ kind: 'QuotaExceeded', ...rest }) as unknown as Failure;

describe('a failure of an unknown kind', () => {
  test('is treated by its class, and keeps its text', async () => {
    const message = 'the mirror has served its quota of today';
    const host = await hostThatFirst('quota', (job) =>
      Promise.reject(failed(host.hostId, job, unknownFailure({ message, class: 'time' }))),
    );
    const copy = await newCopy('quota');
    const job = await lab.finished(await lab.prepare(copy));
    expect(job.job_status).toBe(1);
    expect(host.jobs).toHaveLength(2);
    expect(await lab.attempts(copy)).toMatchObject([
      { failure_kind: 'Throttled', error_str: message },
      { failure_kind: null },
    ]);
  });

  test('without a class counts as one of the host, and the deployment ends with its text', async () => {
    const host = await lab.addHost({
      name: 'alone',
      script: {
        download: (job) =>
          Promise.reject(failed(host.hostId, job, unknownFailure({ message: 'the moon is not full' }))),
      },
    });
    const copy = await newCopy('alone');
    const job = await lab.finished(await lab.prepare(copy));
    expect(job.job_status).toBe(2);
    expect(job.job_result).toMatchObject({
      errortext: expect.stringContaining('the moon is not full') as string,
    });
  });
});

describe('an answer', () => {
  test('with unknown fields is taken', async () => {
    const host = await hostThatFirst('newer', (job) => {
      const known = downloaded(host.hostId, job, host.pool());
      const tries = known.tries.map((one) => ({ ...one, colour: 'blue' }));
      const pool = { ...known.pool, tier: { name: 'gold' } };
      return Promise.resolve({ ...known, tries, pool, lineage: 'x' } as DownloadResult);
    });
    const copy = await newCopy('newer');
    expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
    expect(await lab.copy(copy)).toMatchObject({ state: 'Ready' });
  });

  test('without fields that only inform is taken', async () => {
    const host = await hostThatFirst('older', (job) => {
      const { tries: _tries, transferred: _transferred, ...rest } = downloaded(host.hostId, job, host.pool());
      return Promise.resolve({ ...rest, tries: 'none' } as unknown as DownloadResult);
    });
    const copy = await newCopy('older');
    expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  });

  test('without fields that are recorded is a failure of the host, and another host takes over', async () => {
    const odd = await hostThatFirst(
      'odd',
      (job) => {
        const { size: _size, ...rest } = downloaded(odd.hostId, job, odd.pool());
        return Promise.resolve(rest as DownloadResult);
      },
      'pair',
    );
    const other = await lab.addHost({ name: 'even', pool: 'pair' });
    await other.setUp(false);
    const copy = await newCopy('pair');
    const jobId = await lab.prepare(copy);
    await lab.waiting(copy, /odd has failed/);
    await other.setUp(true);
    expect((await lab.finished(jobId)).job_status).toBe(1);
    expect(await lab.attempts(copy)).toMatchObject([
      {
        host_name: 'odd',
        failure_kind: 'HostFault',
        error_str: 'what the host answered to download cannot be understood: size is missing',
      },
      { host_name: 'even' },
    ]);
  });
});

test('a report is taken without its pool of an unknown kind, which becomes a problem', async () => {
  const host: ScriptedHost = await lab.addHost({
    name: 'blocks',
    script: {
      describeHost: () =>
        Promise.resolve({
          v: 1,
          hostId: host.hostId,
          version: '9',
          pools: [host.pool(), { ...host.pool(), name: 'ceph', type: 'RBD' }],
          programs: [{ name: 'rbd' }, 7],
          weather: 'fine',
        } as unknown as HostReport),
    },
  });
  const copy = await newCopy('blocks');
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  const row = lab.db.selectFrom('host').where('uuid', '=', host.hostId).select(['version', 'problems']);
  expect(await row.executeTakeFirst()).toEqual({
    version: '9',
    problems: [
      'pool ceph is not understood: type is not one of Filesystem, NetworkFilesystem, SharedMountPoint',
    ],
  });
});

test('a host is chosen by the capabilities that it reports, whatever its release', async () => {
  const able = { protocols: ['http'], formats: ['QCOW2'], features: [] };
  const one = async (name: string, unpacks: readonly string[]): Promise<ScriptedHost> => {
    const host: ScriptedHost = await lab.addHost({ name, pool: 'mixed' });
    const capabilities = JSON.stringify({ ...able, unpacks });
    await lab.db.updateTable('host').set({ capabilities }).where('uuid', '=', host.hostId).execute();
    return host;
  };
  const bare = await one('bare', ['gzip']);
  const full = await one('full', ['gzip', 'zstd']);
  for (let round = 0; round < 4; round += 1) {
    const copy = await newCopy('mixed');
    await lab.db
      .updateTable('vm_template')
      .set({ compression: 'zstd' })
      .where('uuid', '=', copy.templateId)
      .execute();
    expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  }
  expect([bare.jobs.length, full.jobs.length]).toEqual([0, 4]);
});
