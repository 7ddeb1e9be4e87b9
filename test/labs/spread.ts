/**
 * The spread lab: an installation whose hosts are real host workers, each in a network namespace with a limited link, and an
 * origin with a link of its own (network.ts). Control worker, api, Temporal and PostgreSQL run outside of it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deployment } from '../../model/api-answers.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { until } from '../support/until.ts';
import { openEndToEnd } from './end-to-end.ts';
import type { EndToEnd, PoolPlace, RunningHost } from './end-to-end.ts';
import { openNetwork, spawnIn } from './network.ts';
import type { Network, Place } from './network.ts';

export interface SpreadHost {
  readonly name: string;
  readonly place: Place;
  readonly pool: PoolPlace;
  pid(): number;
  kill(): Promise<void>;
  /** Starts the worker again. */
  start(): Promise<void>;
}

export interface SpreadLabOptions {
  readonly hosts: number;
  /** Mbit/s of the links. */
  readonly originMbit: number;
  readonly hostMbit: number;
  /** Uploads of a host at a time. */
  readonly uploads: number;
}

export interface SpreadLab {
  readonly installation: EndToEnd;
  readonly zoneId: string;
  readonly hosts: readonly SpreadHost[];
  /** Registers an image of random bytes. @returns the id of the template */
  addImage(bytes: number, options?: { readonly checksum?: boolean }): Promise<Image>;
  /** Begins to bring an image onto these hosts; default: all. @returns what ends with the job */
  deploy(image: Image, hosts?: readonly SpreadHost[]): Promise<Deploying>;
  /** Restarts all hosts with another number of uploads. */
  setUploads(uploads: number): Promise<void>;
  /** Turns peers on or off in the zone. */
  setPeers(on: boolean): Promise<void>;
  /** Bytes that the origin and all hosts have sent since they began, over each of their links, each byte once. */
  sentBytes(): Promise<number>;
  /** What lies on the pool of each host: SHA-256. */
  contents(image: Image): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Image {
  readonly templateId: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface Deploying {
  /** @returns seconds, and bytes of the image that the origin has sent */
  ended(timeoutMs?: number): Promise<{ readonly seconds: number; readonly originBytes: number }>;
  deployments(): Promise<readonly Deployment[]>;
}

const DOOR = 7443;
const ORIGIN_PORT = 8080;

export async function openSpreadLab(options: SpreadLabOptions): Promise<SpreadLab> {
  const network = await openNetwork();
  const closing: (() => Promise<void>)[] = [() => network.close()];
  const close = async (): Promise<void> => {
    for (const one of closing.toReversed()) await one();
  };
  try {
    const installation = await openEndToEnd({ hosts: 1 });
    closing.push(() => installation.close());
    return { ...(await fill({ network, installation, closing }, options)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly network: Network;
  readonly installation: EndToEnd;
  readonly closing: (() => Promise<void>)[];
}

async function fill(parts: Parts, options: SpreadLabOptions): Promise<Omit<SpreadLab, 'close'>> {
  const { installation, network } = parts;
  const { zone } = await installation.call<{ readonly zone: { readonly id: string } }>('createZone', {
    name: 'spread',
  });
  await installation.call('addCluster', { clustername: 'cluster1', zoneid: zone.id });
  // All hosts fetch at the same time, also where each of them fetches from the origin.
  await installation.call('updateConfiguration', {
    name: 'template.rollout.max.per.origin',
    value: 0,
    zoneid: zone.id,
  });
  const origin = await startOrigin(parts, options);
  const temporalPort = Number(installation.stack.temporalAddress.split(':')[1]);
  const temporal = await network.reach(temporalPort);
  const hosts: SpreadHost[] = [];
  const current = { uploads: options.uploads };
  let images = 0;
  const places: Place[] = [];
  for (let n = 1; n <= options.hosts; n += 1) places.push(await network.addPlace(options.hostMbit));
  for (const [index, place] of places.entries()) {
    const name = `spread-${index + 1}`;
    const host = await startHost(parts, { name, place, temporal, current });
    hosts.push(host);
  }
  return {
    installation,
    zoneId: zone.id,
    hosts: await withPools(parts, hosts, options.uploads),
    async addImage(bytes, { checksum = true } = {}) {
      images += 1;
      const content = rawDisk(bytes, images);
      const digest = sha256(content);
      const name = `${digest.slice(0, 12)}.img`;
      await writeFile(join(origin.folder, name), content);
      const { id } = await installation.register({
        url: `http://${origin.place.address}:${ORIGIN_PORT}/${name}`,
        name,
        zoneid: zone.id,
        ...(checksum ? { checksum: `{SHA-256}${digest}` } : {}),
      });
      return { templateId: id, sha256: digest, bytes };
    },
    async deploy({ templateId }, some = hosts) {
      const before = await origin.sentBytes();
      const began = performance.now();
      const prepare = (more: Record<string, string>) =>
        installation.call<{ readonly jobid: string }>('prepareTemplate', {
          templateid: templateId,
          zoneid: zone.id,
          ...more,
        });
      const jobs =
        some.length === hosts.length
          ? [await prepare({})]
          : await Promise.all(some.map(({ pool }) => prepare({ storageid: pool.id })));
      return {
        async ended(timeoutMs = 120_000) {
          for (const { jobid } of jobs) {
            const job = await installation.job(jobid, timeoutMs);
            if (job.jobstatus !== 1) throw new Error(JSON.stringify(job.jobresult));
          }
          const seconds = (performance.now() - began) / 1000;
          return { seconds, originBytes: (await origin.sentBytes()) - before };
        },
        deployments: () => installation.deployments({ templateid: templateId }),
      };
    },
    async setUploads(uploads) {
      current.uploads = uploads;
      await Promise.all(hosts.map((host) => host.kill()));
      await Promise.all(hosts.map((host) => host.start()));
      await untilReady(parts, hosts, uploads);
    },
    async setPeers(on) {
      await installation.call('updateConfiguration', {
        name: 'direct.download.origin.fetches',
        value: on ? 1 : 0,
        zoneid: zone.id,
      });
    },
    async sentBytes() {
      const sent = await Promise.all([origin.place, ...places].map((place) => network.sentBytes(place)));
      return sent.reduce((sum, bytes) => sum + bytes, 0);
    },
    async contents({ templateId }) {
      const copies = await installation.deployments({ templateid: templateId });
      return Promise.all(copies.map(async ({ localpath = '' }) => sha256(await readFile(localpath))));
    },
  };
}

async function startOrigin({ network, installation, closing }: Parts, { originMbit }: SpreadLabOptions) {
  const place = await network.addPlace(originMbit);
  const folder = join(installation.stack.dataDir, 'spread', 'origin');
  await mkdir(folder, { recursive: true });
  const conf = join(folder, '..', 'nginx.conf');
  await writeFile(
    conf,
    `daemon off; master_process off; user root; pid ${folder}/../nginx.pid;
events {}
http { access_log off; sendfile on; client_body_temp_path ${folder}/../body;
  server { listen ${place.address}:${ORIGIN_PORT}; root ${folder}; } }
`,
  );
  const child = spawnIn(place, ['nginx', '-p', folder, '-c', conf, '-e', join(folder, '..', 'error.log')]);
  closing.push(() => end(child));
  return { place, folder, sentBytes: () => network.sentBytes(place) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

interface NewSpreadHost {
  readonly name: string;
  readonly place: Place;
  readonly temporal: string;
  readonly current: { readonly uploads: number };
}

async function startHost(
  { installation, closing }: Parts,
  { name, place, temporal, current }: NewSpreadHost,
): Promise<SpreadHost> {
  const folder = join(installation.stack.dataDir, 'spread', name);
  const path = join(folder, 'pool');
  await mkdir(path, { recursive: true });
  const invite = await installation.invite();
  const start = (): Promise<RunningHost> =>
    installation.runHost({
      name,
      zone: 'spread',
      state: join(folder, 'state'),
      pools: `own=Filesystem:HOST:${path}`,
      invite,
      within: place.within,
      env: {
        TEMPORAL_ADDRESS: temporal,
        BYPASS_URL_ALLOW: '10.77.0.0/16',
        BYPASS_PEER_LISTEN: `${place.address}:${DOOR}`,
        BYPASS_PEER_UPLOADS: String(current.uploads),
      },
    });
  let running = await start();
  let isDead = false;
  const kill = async (): Promise<void> => {
    if (isDead) return;
    isDead = true;
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
  };
  closing.push(kill);
  return {
    name,
    place,
    pool: { id: '', name: '', path },
    pid: () => running.pid,
    kill,
    async start() {
      running = await start();
      isDead = false;
    },
  };
}

/** Waits until every host is Up, has a door with so many uploads and a certificate, and lets the others in. */
async function untilReady(
  { installation }: Parts,
  hosts: readonly SpreadHost[],
  uploads: number,
): Promise<void> {
  const names = hosts.map(({ name }) => name);
  await until(
    'all hosts are ready',
    async () => {
      const rows = await installation.db
        .selectFrom('host')
        .where('name', 'in', names)
        .where('last_seen', 'is not', null)
        .select('peer')
        .execute();
      const ready = rows.filter(
        ({ peer }) => peer?.uploads === uploads && peer.certificateEnds !== undefined,
      );
      return ready.length === hosts.length && new Set(ready.map(({ peer }) => peer?.trusted)).size === 1;
    },
    180_000,
  );
}

async function withPools(
  parts: Parts,
  hosts: readonly SpreadHost[],
  uploads: number,
): Promise<readonly SpreadHost[]> {
  await untilReady(parts, hosts, uploads);
  const pools = await parts.installation.listPools();
  return hosts.map((host) => {
    const pool = pools.find(({ path }) => path === host.pool.path);
    if (pool === undefined) throw new Error(`the pool of ${host.name} is not listed`);
    // Not a new object: the pid of the host changes.
    return Object.assign(host, { pool });
  });
}
