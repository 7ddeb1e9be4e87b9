/** Who fetches from whom, and what follows when a peer fails: hosts are scripted. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { peerKeys } from '../../db/peers/keys.ts';
import type { TransferActivities } from '../../model/host-activities.ts';
import type { DownloadResult } from '../../model/payloads.ts';
import { peerUrl } from '../../model/spread.ts';
import { createOrchestration } from '../../orchestration/client.ts';
import { ticketProblem } from '../../trust/tickets.ts';
import { openControlLab, QUICK_TIMING } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { deferred } from '../support/deferred.ts';
import { isFullRun } from '../support/programs.ts';
import { downloaded, endless, failed } from '../support/scripted-host.ts';
import type { HostScript, ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

/** A host with a door and a pool of its own. */
const newHost = (name: string, script?: HostScript, uploads = 4): Promise<ScriptedHost> =>
  lab.addHost({ name, uploads, ...(script === undefined ? {} : { script }) });

const copyOn = (templateId: string, { name }: ScriptedHost) => ({ templateId, poolId: lab.poolId(name) });

/** Fails as long as a peer is to be asked; the origin gives the image. */
const failingPeers = (kind: 'PeerUnreachable' | 'PeerWrong'): HostScript => {
  const script: HostScript = {
    download(job) {
      const peer = job.peer?.hostId;
      if (peer === undefined) return Promise.resolve(downloaded(hostOf(job.poolId), job, poolOf(job.poolId)));
      const source = peerUrl(peer);
      const now = new Date().toISOString();
      const failure = { kind, message: 'the other host did not give it' };
      const error = failed(hostOf(job.poolId), job, failure);
      const [detail] = error.details as [{ tries: unknown[] }];
      detail.tries = [{ source, startedAt: now, endedAt: now, bytes: 10, failure }];
      throw error;
    },
  };
  return script;
};
const hosts = new Map<string, ScriptedHost>();
const hostOf = (poolId: string): string => hosts.get(poolId)?.hostId ?? '';
const poolOf = (poolId: string) => (hosts.get(poolId) as ScriptedHost).pool();
const remember = (host: ScriptedHost): ScriptedHost => {
  hosts.set(host.pool().id, host);
  return host;
};

/** The event of a verification of a copy of the template, once it has ended. */
const verified = (template: string) =>
  until('the copy is verified anew', () =>
    lab.db
      .selectFrom('event')
      .where('type', '=', 'TEMPLATE.COPY.VERIFY')
      .where('resource_uuid', '=', template)
      .selectAll()
      .executeTakeFirst(),
  );

test('a host fetches from the one that is on its way, with a ticket for this copy', async () => {
  const script = endless();
  const first = await newHost('first', script);
  const second = await newHost('second');
  const template = await lab.addTemplate();
  const job = await lab.prepare(copyOn(template, first));
  const headJob = await script.begun;
  expect(headJob.peer).toBeUndefined();
  const followed = await lab.prepare(copyOn(template, second));
  const [{ peer } = {}] = await until('the second one begins', () => second.jobs.length > 0 && second.jobs);
  expect(peer).toMatchObject({
    hostId: first.hostId,
    copyId: headJob.copyId,
    address: 'first.test:8443',
  });
  const { tickets } = await peerKeys(lab.db, lab.masterKey);
  const fetch = { aud: first.hostId, sub: second.hostId, copy: headJob.copyId };
  expect(await ticketProblem(tickets.publicKey, peer?.ticket ?? '', fetch)).toBeUndefined();
  const lineage = randomUUID();
  script.release({ ...downloaded(first.hostId, headJob, first.pool()), lineage });
  for (const id of [job, followed]) expect((await lab.finished(id)).job_status).toBe(1);
  expect(await lab.copy(copyOn(template, second))).toMatchObject({
    depth: 1,
    fetching: null,
    state: 'Ready',
  });
  expect(await lab.copy(copyOn(template, first))).toMatchObject({ depth: 0, lineage, origin_bytes: 1000 });
});

test('a peer that fails leads to another one at once, and two that fail to the origin', async () => {
  const template = await lab.addTemplate();
  const [one, two] = [await newHost('one'), await newHost('two')];
  for (const host of [one, two]) await lab.finished(await lab.prepare(copyOn(template, host)));
  const child = remember(await newHost('child', failingPeers('PeerUnreachable')));
  const copy = copyOn(template, child);
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  const asked = child.jobs.map(({ peer }) => peer?.hostId);
  expect(new Set(asked)).toEqual(new Set([one.hostId, two.hostId, undefined]));
  expect(asked[2]).toBeUndefined();
  const attempts = await lab.attempts(copy);
  expect(attempts.filter(({ host_name }) => host_name === 'child')).toMatchObject([
    { failure_kind: 'PeerUnreachable', source: peerUrl(asked[0] ?? '') },
    { failure_kind: 'PeerUnreachable', source: peerUrl(asked[1] ?? '') },
    { failure_kind: null },
  ]);
  expect(await lab.copy(copy)).toMatchObject({ peer_bytes: 20, origin_bytes: 1000, depth: 0 });
});

test('whoever goes to the origin since its head does not answer takes its place, and the head goes on from it', async () => {
  const template = await lab.addTemplate();
  const atOrigin = endless();
  const head: ScriptedHost = await newHost('silent-head', {
    download: (job) =>
      job.peer === undefined
        ? atOrigin.download(job)
        : Promise.resolve(downloaded(head.hostId, job, head.pool())),
  });
  const waiting = await lab.prepare(copyOn(template, head));
  await atOrigin.begun;
  const child = remember(await newHost('successor', failingPeers('PeerUnreachable')));
  expect((await lab.finished(await lab.prepare(copyOn(template, child)))).job_status).toBe(1);
  expect(child.jobs.map(({ peer }) => peer?.hostId)).toEqual([head.hostId, head.hostId, undefined]);
  expect((await lab.finished(waiting)).job_status).toBe(1);
  expect(head.jobs.map(({ peer }) => peer?.hostId)).toEqual([undefined, child.hostId]);
  const attempts = await lab.attempts(copyOn(template, head));
  expect(attempts.map(({ error_str }) => error_str)).toContainEqual(
    expect.stringContaining('others could not fetch from it'),
  );
});

test('when many peers fail within seconds, further ones are asked one in a while', async () => {
  const template = await lab.addTemplate({ checksum: `{SHA-256}${'ab'.repeat(32)}` });
  for (const name of ['many-1', 'many-2', 'many-3', 'many-4', 'many-5']) {
    const script = endless();
    await lab.prepare(copyOn(template, await newHost(name, script, 8)));
    await script.begun;
  }
  const failing = failingPeers('PeerUnreachable');
  const child: ScriptedHost = remember(
    await newHost('cut off', {
      download: (job) =>
        child.jobs.length <= 4
          ? (failing.download as TransferActivities['download'])(job)
          : Promise.resolve(downloaded(child.hostId, job, child.pool())),
    }),
  );
  const copy = copyOn(template, child);
  const jobId = await lab.prepare(copy);
  await lab.waiting(copy, /could not be reached 4 times in a row/);
  expect(child.jobs).toHaveLength(4);
  expect((await lab.finished(jobId)).job_status).toBe(1);
  const asked = child.jobs.map(({ peer }) => peer?.hostId);
  expect(asked).not.toContain(undefined);
  expect(new Set(asked).size).toBe(5);
});

test('a peer that gave wrong bytes is named in an event', async () => {
  const template = await lab.addTemplate();
  const liar = await newHost('liar');
  await lab.finished(await lab.prepare(copyOn(template, liar)));
  const child = remember(await newHost('deceived', failingPeers('PeerWrong')));
  expect((await lab.finished(await lab.prepare(copyOn(template, child)))).job_status).toBe(1);
  expect(child.jobs.map(({ peer }) => peer?.hostId)).toEqual([liar.hostId, undefined]);
  const events = await lab.db
    .selectFrom('event')
    .where('type', '=', 'TEMPLATE.PEER.WRONG')
    .where('resource_uuid', '=', template)
    .selectAll()
    .execute();
  expect(events).toMatchObject([{ level: 'ERROR', host: { id: liar.hostId, name: 'liar' } }]);
  // It gave wrong bytes of a right file: its memory or its line is bad.
  expect(await verified(template)).toMatchObject({
    level: 'INFO',
    description: expect.stringMatching(/ on pool liar was verified anew: it is right$/),
  });
  expect(await lab.copy(copyOn(template, liar))).toMatchObject({ state: 'Ready', error_str: null });
});

test('the copy of a host that gave wrong bytes is failed and removed when its file is damaged', async () => {
  const template = await lab.addTemplate();
  const [removing, removed] = [deferred(), deferred()];
  const rotten: ScriptedHost = await newHost('rotten', {
    hashCopy: () => Promise.resolve({ v: 1, hostId: rotten.hostId, sha256: 'cd'.repeat(32) }),
    async remove() {
      removing.resolve();
      await removed.promise;
      return { v: 1, hostId: rotten.hostId, files: 1, pool: rotten.pool() };
    },
  });
  const copy = copyOn(template, rotten);
  await lab.finished(await lab.prepare(copy));
  const child = remember(await newHost('misled', failingPeers('PeerWrong')));
  expect((await lab.finished(await lab.prepare(copyOn(template, child)))).job_status).toBe(1);
  await removing.promise;
  expect(await lab.copy(copy)).toMatchObject({
    state: 'Destroying',
    error_kind: 'ContentRefused',
    error_str: expect.stringContaining('is not the image any more'),
    error_host: { id: rotten.hostId, name: 'rotten' },
  });
  expect(await verified(template)).toMatchObject({
    level: 'ERROR',
    host: { id: rotten.hostId, name: 'rotten' },
    description: expect.stringMatching(
      /on pool rotten: the file on the pool is not .*; it is removed, and brought anew$/,
    ),
  });
  const damaged = (await lab.copy(copy))?.uuid;
  removed.resolve();
  await until('it is brought anew', async () => {
    const now = await lab.copy(copy);
    return now?.state === 'Ready' && now.uuid !== damaged;
  });
});

if (isFullRun)
  test('a host of a release without peers works beside', async () => {
    const template = await lab.addTemplate();
    const newer = await newHost('newer');
    const older = await lab.addHost({ name: 'older' });
    for (const host of [newer, older]) {
      expect((await lab.finished(await lab.prepare(copyOn(template, host)))).job_status).toBe(1);
    }
    expect(older.jobs[0]).not.toHaveProperty('peer');
  });

/** A template whose copies are served only when they are published. */
async function packedTemplate(): Promise<string> {
  const template = await lab.addTemplate();
  await lab.db.updateTable('vm_template').set({ compression: 'xz' }).where('uuid', '=', template).execute();
  return template;
}

/** A host with one upload has the template, and another host takes it from there, until `end`. */
async function takeOnlyUpload(template: string, name: string) {
  const giver = await newHost(name, undefined, 1);
  await lab.finished(await lab.prepare(copyOn(template, giver)));
  const script = endless();
  const taker = await newHost(`takes from ${name}`, script);
  const taking = await lab.prepare(copyOn(template, taker));
  const job = await script.begun;
  const end = async (): Promise<void> => {
    script.release(downloaded(taker.hostId, job, taker.pool()));
    await lab.finished(taking);
  };
  return { giver, end };
}

/** Begins a deployment that waits for a source longer than a test lasts, unless it is told that one is free. */
const beginPatiently = (copy: CopyUuids): Promise<void> =>
  createOrchestration(lab.temporal.client, {
    timing: { ...QUICK_TIMING, peerWait: { firstMs: 600_000, mostMs: 600_000 } },
  }).requestDeployment(copy);

test('while every upload is taken a copy waits visibly, and is told when one is free', async () => {
  const template = await packedTemplate();
  const { end } = await takeOnlyUpload(template, 'giver');
  const late = await newHost('late');
  await beginPatiently(copyOn(template, late));
  const waiting = await lab.prepare(copyOn(template, late));
  const wait = await lab.waiting(copyOn(template, late), /1 host wants it, and 1 of 1 uploads/);
  expect(wait).toMatchObject({ publicReason: expect.not.stringContaining('giver') });
  await end();
  expect((await lab.finished(waiting)).job_status).toBe(1);
  expect(late.jobs).toHaveLength(1);
  expect(late.jobs[0]?.peer).toMatchObject({ unpacked: true, sha256: 'ab'.repeat(32) });
});

if (isFullRun) {
  test('copies that wait for the first host to unpack the image are all told, one by the other', async () => {
    const template = await packedTemplate();
    const script = endless();
    const first = await newHost('unpacker', script, 1);
    const unpacking = await lab.prepare(copyOn(template, first));
    const job = await script.begun;
    const others = await Promise.all([1, 2, 3].map((n) => newHost(`waits-${n}`, undefined, 1)));
    const jobs: string[] = [];
    for (const host of others) {
      await beginPatiently(copyOn(template, host));
      jobs.push(await lab.prepare(copyOn(template, host)));
      await lab.waiting(copyOn(template, host), /has not unpacked it yet/);
    }
    script.release(downloaded(first.hostId, job, first.pool()));
    for (const id of [unpacking, ...jobs]) expect((await lab.finished(id)).job_status).toBe(1);
    for (const host of others) expect(host.jobs[0]?.peer).toBeDefined();
  });

  test('a copy that is told of no free upload looks again by itself', async () => {
    const template = await packedTemplate();
    const { giver, end } = await takeOnlyUpload(template, 'busy');
    const late = await newHost('looking');
    const waiting = await lab.prepare(copyOn(template, late));
    await lab.waiting(copyOn(template, late), /1 of 1 uploads/);
    await lab.db
      .updateTable('host')
      .set({ peer: sql`jsonb_set(peer, '{uploads}', '2')` })
      .where('uuid', '=', giver.hostId)
      .execute();
    expect((await lab.finished(waiting)).job_status).toBe(1);
    await end();
  });
}

/** A host that gives an image which the host that it fetches from has made up, and notes what it is to remove. */
async function deceivedHost(
  name: string,
  given: Partial<DownloadResult>,
  atOrigin: Partial<DownloadResult> = {},
) {
  const removed: string[] = [];
  const host: ScriptedHost = await newHost(name, {
    download(job) {
      const result = downloaded(host.hostId, job, host.pool());
      if (job.peer === undefined) return Promise.resolve({ ...result, ...atOrigin });
      const tries = result.tries.map((one) => ({ ...one, source: peerUrl(job.peer?.hostId ?? '') }));
      return Promise.resolve({ ...result, fromPeers: result.fetched, sha256: WRONG, tries, ...given });
    },
    remove({ copyId }) {
      removed.push(copyId);
      return Promise.resolve({ v: 1, hostId: host.hostId, files: 1, pool: host.pool() });
    },
  });
  return { host, removed };
}
const WRONG = 'cd'.repeat(32);

test('an image that differs from the first of its lineage is removed, its giver named, and another source asked', async () => {
  const template = await lab.addTemplate();
  const lineage = randomUUID();
  const good: ScriptedHost = await newHost('good', {
    download: (job) => Promise.resolve({ ...downloaded(good.hostId, job, good.pool()), lineage }),
  });
  await lab.finished(await lab.prepare(copyOn(template, good)));
  const { host, removed } = await deceivedHost('other', { lineage });
  const copy = copyOn(template, host);
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  expect(host.jobs.map(({ peer }) => peer?.hostId)).toEqual([good.hostId, undefined]);
  expect(removed).toEqual([host.jobs[0]?.copyId]);
  expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', sha256: 'ab'.repeat(32), peer_bytes: 1000 });
  const attempts = (await lab.attempts(copy)).filter(({ host_name }) => host_name === host.name);
  expect(attempts.map(({ failure_kind }) => failure_kind)).toEqual(['PeerWrong', null]);
  await verified(template);
  // What was fetched from the origin is no hearsay: who is right is not known.
  const odd = await deceivedHost('odd', { lineage }, { lineage, sha256: WRONG });
  const oddCopy = copyOn(template, odd.host);
  expect((await lab.finished(await lab.prepare(oddCopy))).job_status).toBe(2);
  expect(await lab.copy(oddCopy)).toMatchObject({ state: 'Failed', error_kind: 'PeerWrong' });
  await until('each image is removed', () => odd.removed.length === odd.host.jobs.length);
});

test('when the head is lost before it has published, what others passed on is removed, and one host reads the origin again', async () => {
  const template = await lab.addTemplate();
  const script = endless();
  const head = await newHost('lost-head', script);
  await lab.prepare(copyOn(template, head));
  await script.begun;
  const lineage = randomUUID();
  const { host, removed } = await deceivedHost('believer', { lineage }, { lineage: randomUUID() });
  const copy = copyOn(template, host);
  const job = await lab.prepare(copy);
  await until('its image waits for the head', async () => {
    const { raw } = await lab.workflow(copy).describe();
    return raw.pendingActivities?.some(({ lastFailure }) => lastFailure?.message?.includes('not known yet'));
  });
  expect(await lab.copy(copy)).toMatchObject({ state: 'Creating' });
  await head.setUp(false);
  expect((await lab.finished(job)).job_status).toBe(1);
  expect(host.jobs.map(({ peer }) => peer?.hostId)).toEqual([head.hostId, undefined]);
  expect(removed).toEqual([host.jobs[0]?.copyId]);
  expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', sha256: 'ab'.repeat(32), depth: 0 });
  const attempts = await lab.attempts(copy);
  expect(attempts.find(({ host_name }) => host_name === host.name)).toMatchObject({
    failure_kind: 'PeerUnreachable',
    error_str: expect.stringContaining('was lost before it had published it'),
    bytes: 1000,
  });
});
