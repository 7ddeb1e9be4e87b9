/** Several hosts: which one probes, which one downloads, and what happens when one is lost. */
import { mkdir, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import type { Deployment, Template } from '../../model/api-answers.ts';

const MIB = 1_048_576;
let lab: EndToEnd;

beforeAll(async () => {
  lab = await openEndToEnd({ hosts: 3 });
});
afterAll(() => lab.close());

const shared = (): EndToEnd['pool'] => lab.pools.find(({ path }) => path.includes('shared')) ?? lab.pool;

/** Addresses on which a process listens. */
async function listening(
  pid: number,
): Promise<readonly { readonly address: string; readonly port: number }[]> {
  const fds = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  );
  const LISTEN = '0A';
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTEN && links.includes(`socket:[${inode}]`))
    .map(([, local = '']) => {
      const [address = '', port = ''] = local.split(':');
      // The kernel writes the four bytes in this machine's byte order.
      const known = address === '0100007F' ? '127.0.0.1' : address;
      return { address: known, port: parseInt(port, 16) };
    });
}

/** Waits until all hosts of the lab can be entered by the others. */
const doorsAreOpen = (): Promise<unknown> =>
  until('the hosts have certificates', async () => {
    const rows = await lab.db.selectFrom('host').select('peer').execute();
    return rows.filter(({ peer }) => peer?.certificateEnds !== undefined).length === 3;
  });

/** The sum of all series of a metric with these labels. */
async function metric(pid: number, name: string, labels = ''): Promise<number> {
  for (const { port } of await listening(pid)) {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
    if (answer?.status !== 200) continue;
    const lines = (await answer.text()).split('\n');
    const series = lines.filter((line) => line.startsWith(name) && line.includes(labels));
    return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
  throw new Error(`process ${pid} has no metrics`);
}

/** The sum over processes, each of which counts what it did. */
async function summed(pids: readonly number[], name: string, labels?: string): Promise<number> {
  const values = await Promise.all(pids.map((pid) => metric(pid, name, labels)));
  return values.reduce((total, one) => total + one, 0);
}

test('without storageid every pool of the zone gets its copy, and it is counted where the bytes came from', async () => {
  await doorsAreOpen();
  lab.server.serve('/all', { body: rawDisk(MIB) });
  const image = await lab.register({ url: lab.server.url('/all') });
  const copies = await lab.deploy(image.id);
  expect(copies).toHaveLength(4);
  expect(copies.every(({ state }) => state === 'Ready')).toBe(true);
  const sum = (of: (copy: Deployment) => number) => copies.reduce((total, copy) => total + of(copy), 0);
  const [fromOrigin, fromPeers] = [sum((copy) => copy.originbytes), sum((copy) => copy.peerbytes)];
  expect(fromPeers).toBeGreaterThan(0);
  const { controls, hosts } = lab.pids();
  for (const [source, bytes] of [
    ['origin', fromOrigin],
    ['peer', fromPeers],
  ] as const) {
    await until(`bytes of the ${source} are counted`, async () => {
      return (await summed(controls, 'bypass_fetched_bytes_total', `source="${source}"`)) === bytes;
    });
  }
  await until(
    'sent bytes are counted',
    async () => (await summed(hosts, 'bypass_peer_sent_bytes_total')) >= fromPeers,
  );
});

const answersHealth = ({ port }: { readonly port: number }): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/healthz`).then(
    ({ status }) => status === 200,
    () => false,
  );

/** What a server says to a client that has no certificate. */
const withoutCertificate = ({ port }: { readonly port: number }): Promise<string> =>
  new Promise((resolve) => {
    get({ port, host: '127.0.0.1', path: '/', rejectUnauthorized: false }, ({ statusCode }) =>
      resolve(`answers ${statusCode}`),
    ).once('error', ({ message }) => resolve(message));
  });

test('CVE-2021-36779 (Longhorn): a host answers health checks, only to itself, and hosts with a certificate alone', async () => {
  for (const pid of lab.pids().hosts) {
    const ports = await listening(pid);
    expect(ports.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1']);
    const healthy = await Promise.all(ports.map(answersHealth));
    expect(healthy.filter(Boolean)).toHaveLength(1);
    for (const [method, path, status] of [
      ['GET', '/metrics', 200],
      ['GET', '/', 404],
      ['POST', '/download', 404],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${ports[healthy.indexOf(true)]?.port}${path}`, { method });
      expect([path, answer.status]).toEqual([path, status]);
    }
    const door = ports[healthy.indexOf(false)];
    expect(door && (await withoutCertificate(door))).toMatch(/alert|closed|hang up|ECONNRESET/);
  }
});

test("the metrics of a control worker include those of Temporal's SDK", async () => {
  const ports = await listening(lab.pids().control);
  expect(ports).toEqual([{ address: '127.0.0.1', port: expect.any(Number) as number }]);
  const answer = await fetch(`http://127.0.0.1:${ports[0]?.port}/metrics`);
  const text = await answer.text();
  for (const line of [
    /^# TYPE temporal_worker_task_slots_available gauge$/m,
    /^temporal_worker_task_slots_available\{.*task_queue="control".*\} \d+$/m,
    /^temporal_workflow_task_execution_latency\w*_count\{.*\} [1-9]\d*$/m,
    /^temporal_activity_schedule_to_start_latency\w*_bucket\{.*le="\+Inf"\} [1-9]\d*$/m,
  ])
    expect(text).toMatch(line);
});

test('a host without a token is listed as Disabled, gets no work, and works once it is approved', async () => {
  const state = join(lab.stack.dataDir, 'stranger');
  const path = join(lab.stack.dataDir, 'stranger-pool');
  await mkdir(path);
  const stranger = await lab.runHost({ name: 'stranger', state, pools: `own=Filesystem:HOST:${path}` });
  try {
    const find = async () => (await lab.hosts()).find(({ name }) => name === 'stranger');
    await until('it is listed', async () => (await find()) !== undefined);
    const host = await find();
    expect(host).toMatchObject({
      resourcestate: 'Disabled',
      fingerprint: expect.stringContaining(':') as string,
    });
    lab.server.serve('/a', { body: rawDisk(MIB) });
    const image = await lab.register({ url: lab.server.url('/a') });
    expect(await lab.deploy(image.id)).toHaveLength(4);
    await lab.call('updateHost', { id: host?.id ?? '', allocationstate: 'Enable' });
    await until('it is up', async () => (await find())?.state === 'Up');
    expect(await lab.deploy(image.id)).toHaveLength(5);
    expect((await readdir(path)).filter((name) => !name.startsWith('.bypass-'))).toHaveLength(1);
    // It has no door: it fetches from the origin, and the others give each other what one of them has.
    lab.server.serve('/mixed', { body: rawDisk(MIB) });
    const mixed = await lab.register({ url: lab.server.url('/mixed') });
    const copies = await lab.deploy(mixed.id);
    const own = copies.filter(({ hostname }) => hostname === 'stranger');
    expect(own).toMatchObject([
      { state: 'Ready', depth: 0, originbytes: MIB, peerbytes: 0, copyinghosts: 0 },
    ]);
    expect(own[0]?.attempts.map(({ source }) => source)).toEqual([lab.server.url('/mixed')]);
    const others = copies.filter(({ hostname }) => hostname !== 'stranger');
    expect(others).toHaveLength(4);
    expect(others.some(({ sourcehostname }) => sourcehostname === 'stranger')).toBe(false);
    // A host that has the image on its own pool only does not give it to its shared pool.
    expect(others.filter(({ depth }) => depth === 0).length).toBeLessThanOrEqual(2);
    await lab.call('deleteHost', { id: host?.id ?? '', forced: true });
  } finally {
    await stranger.stop();
  }
});

const place = (name: string): string => join(lab.stack.dataDir, 'kinds', name);
const hostNamed = async (wanted: string) => (await lab.hosts()).find(({ name }) => name === wanted);

function eachKindOfPool(): void {
  const KINDS = [
    // CloudStack's integration tests have these names (test_direct_download.py).
    ['test_01 deploys to NFS', 'nfs', 'NetworkFilesystem:ZONE', ':create'],
    ['test_02 deploys to local storage', 'local', 'Filesystem:HOST', ''],
    ['test_03 deploys to a shared mount point', 'mounted', 'SharedMountPoint:CLUSTER', ':create'],
  ] as const;
  let host: Awaited<ReturnType<EndToEnd['runHost']>>;

  beforeAll(async () => {
    for (const [, name] of KINDS) await mkdir(place(name), { recursive: true });
    const pools = KINDS.map(([, name, kind, create]) => `${name}=${kind}:${place(name)}${create}`).join(',');
    const state = join(lab.stack.dataDir, 'kinds', 'state');
    host = await lab.runHost({ name: 'kinds', state, pools, invite: await lab.invite() });
    await until('the host is up', async () => (await hostNamed('kinds'))?.state === 'Up');
  });
  afterAll(async () => {
    await host.stop();
    await lab.call('deleteHost', { id: (await hostNamed('kinds'))?.id ?? '', forced: true });
  });

  test.each(KINDS)('gets an image: %s', async (_case, name) => {
    const body = rawDisk(MIB);
    lab.server.serve(`/${name}`, { body });
    const image = await lab.register({ url: lab.server.url(`/${name}`) });
    const pool = (await lab.listPools()).find((one) => one.name === name);
    const [copy] = await lab.deploy(image.id, pool?.id);
    expect(copy).toMatchObject({ state: 'Ready', downloadstate: 'DOWNLOADED', storageid: pool?.id });
    expect((await readFile(join(place(name), copy?.installpath ?? ''))).equals(body)).toBe(true);
  });
}

/** @param whose pool the host mounts: its own, or that of the others, which then must be Down */
function aMountIsMissing(whose: 'its own' | 'of the others'): void {
  const isOwn = whose === 'its own';
  const at = (name: string): string => join(lab.stack.dataDir, 'mounts', whose.replaceAll(' ', '-'), name);

  test('when the mount of a shared pool is missing, nothing is written and the host reports it', async () => {
    for (const path of [at('empty'), at('own')]) await mkdir(path, { recursive: true });
    await symlink(isOwn ? at('own') : shared().path, at('mount'));
    const name = isOwn ? 'lonely' : shared().name;
    const pools = `${name}=SharedMountPoint:CLUSTER:${at('mount')}${isOwn ? ':create' : ''}`;
    const options = { name: 'fourth', state: at('state'), pools };
    let fourth = await lab.runHost({ ...options, invite: await lab.invite() });
    try {
      await until('it is up', async () => (await hostNamed('fourth'))?.state === 'Up');
      const pool = (await lab.listPools()).find((one) => one.name === name);
      await fourth.stop();
      await rm(at('mount'));
      await symlink(at('empty'), at('mount'));
      fourth = await lab.runHost(options);
      await until('it says what is missing', async () =>
        JSON.stringify((await hostNamed('fourth')) ?? {}).includes('not mounted'),
      );
      if (!isOwn) await freezeOthers();
      lab.server.serve('/b', { body: rawDisk(MIB) });
      const image = await lab.register({ url: lab.server.url('/b') });
      await expect(lab.prepare(image.id, pool?.id)).rejects.toThrow(`mounts pool '${name}'`);
      expect(await readdir(at('empty'))).toEqual([]);
    } finally {
      if (!isOwn) lab.resume();
      await fourth.stop();
    }
    await lab.call('deleteHost', { id: (await hostNamed('fourth'))?.id ?? '', forced: true });
    if (!isOwn)
      await until('all are up', async () => (await lab.hosts()).every(({ state }) => state === 'Up'));
  }, 240_000);
}

async function freezeOthers(): Promise<void> {
  for (const { name } of await lab.hosts()) if (name !== 'fourth') lab.freezeHost(name);
  await until(
    'the others are down',
    async () => (await lab.hosts()).every(({ name, state }) => name === 'fourth' || state === 'Down'),
    90_000,
  );
}

// The short form does not wait until hosts are Down.
if (isFullRun)
  describe('with a pool of hosts that are Down', () => {
    aMountIsMissing('of the others');
  });

/** @param leave makes the host end its download in an orderly way. @returns what brings the host back */
function leavesInTheMiddle(
  what: string,
  why: string,
  leave: (host: Deployment) => Promise<() => Promise<unknown>>,
): void {
  test(`a host that ${what} gives its download back at once, and another one goes on from its bytes`, async () => {
    const body = rawDisk(12 * MIB);
    const path = `/${what.replaceAll(' ', '-')}`;
    let hasLeft = false;
    lab.server.serve(path, () => (hasLeft ? { body } : { body, stallAfter: 6 * MIB }));
    const image = await lab.register({ url: lab.server.url(path) });
    const job = await lab.prepare(image.id, shared().id);
    const copy = async () => (await lab.deployments({ templateid: image.id }))[0];
    const victim = await until('a third is there', async () => {
      const found = await copy();
      return (found?.bytes ?? 0) > 4 * MIB ? found : undefined;
    });
    hasLeft = true;
    const comeBack = await leave(victim);
    try {
      expect((await lab.job(job)).jobstatus).toBe(1);
      const last = await copy();
      expect(last?.hostid).not.toBe(victim.hostid);
      const failed = last?.attempts.filter(({ errorkind }) => errorkind !== undefined) ?? [];
      expect(failed.map(({ errorkind }) => errorkind)).toEqual(['HostGone']);
      expect(failed[0]?.error).toContain(why);
      // Nothing that was there is fetched again.
      expect(last?.originbytes).toBeLessThan(body.length + MIB);
      expect((await readFile(join(shared().path, last?.installpath ?? ''))).equals(body)).toBe(true);
      expect(await lab.partsOf(shared())).toEqual([]);
    } finally {
      await comeBack();
    }
  }, 240_000);
}

if (isFullRun) {
  leavesInTheMiddle('is drained', 'was drained', async ({ hostid: id = '' }) => {
    await lab.call('prepareHostForMaintenance', { id, handover: true });
    return () => lab.call('cancelHostMaintenance', { id });
  });
  leavesInTheMiddle('is stopped in order', 'the host worker was stopped', async ({ hostname = '' }) => {
    const number = Number(/\d+$/.exec(hostname)?.[0]);
    process.kill(lab.pids().hosts[number - 1] ?? 0, 'SIGTERM');
    return async () =>
      until('it is back', async () => (await lab.hosts()).every(({ state }) => state === 'Up'), 120_000);
  });
}

/**
 * Last, since the host does not come back: the supervisor is suspended, since a restarted host would continue the download
 * itself. A host counts as gone half a minute after its death; meanwhile those tests run that do not need it.
 */
describe('a host is lost', () => {
  const body = rawDisk(12 * MIB);
  let image: Template;
  let job: string;
  let victim: Deployment | undefined;
  const copy = async () => (await lab.deployments({ templateid: image.id }))[0];

  test('in the middle of a download: registrations use the others', async () => {
    let isLost = false;
    lab.server.serve('/big', () => (isLost ? { body } : { body, stallAfter: 6 * MIB }));
    image = await lab.register({ url: lab.server.url('/big') });
    job = await lab.prepare(image.id, shared().id);
    await until('a third is there', async () => ((await copy())?.bytes ?? 0) > 4 * MIB);
    victim = await copy();
    lab.freezeSupervisor();
    lab.freezeHost(victim?.hostname ?? '');
    isLost = true;
    lab.server.serve('/any', { body: rawDisk(MIB) });
    // The host does not count as down yet, so it may be chosen first: then the next candidate is asked.
    const images = await Promise.all(
      Array.from({ length: 6 }, (_, n) => lab.register({ url: lab.server.url('/any'), name: `any-${n}` })),
    );
    expect(images.every(({ isready }) => isready)).toBe(true);
    lab.killHost(victim?.hostname ?? '');
  });

  // In the short form, the pools of the other tests stand for them: one of each host, and a shared one.
  if (isFullRun)
    describe('meanwhile, each kind of pool', () => {
      eachKindOfPool();
    });
  aMountIsMissing('its own');

  test('another host continues from the bytes on the shared pool', async () => {
    expect((await lab.job(job, 180_000)).jobstatus).toBe(1);
    const last = await copy();
    expect(last).toMatchObject({ state: 'Ready' });
    expect(last?.hostid).not.toBe(victim?.hostid);
    expect(last?.attempts.map(({ errorkind }) => errorkind)).toContain('HostGone');
    expect((await readFile(join(shared().path, last?.installpath ?? ''))).equals(body)).toBe(true);
    expect(await lab.partsOf(shared())).toEqual([]);
  }, 240_000);

  test('it is Down within a minute, and can be removed', async () => {
    const lost = async () => (await lab.hosts()).find(({ id }) => id === victim?.hostid);
    await until('it shows Down', async () => (await lost())?.state === 'Down', 60_000);
    await lab.call('deleteHost', { id: victim?.hostid ?? '' });
    expect(await lab.hosts()).toHaveLength(2);
    expect(await lab.listPools()).toHaveLength(3);
  });
});
