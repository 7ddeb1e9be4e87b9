/** What tests of host activities share: an origin, pools in temporary folders, and the activities of one host. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostLimiter } from '../../activities/host-limits.ts';
import { createHostCertificates } from '../../activities/host-certificates.ts';
import { createHostActivities } from '../../activities/host.ts';
import type { HostActivities, HostActivityDeps } from '../../activities/host.ts';
import { download } from '../../images/download.ts';
import type { DownloadDeps } from '../../images/download.ts';
import { PARTS_FOLDER } from '../../images/part-file.ts';
import type { PoolConfig } from '../../images/pool.ts';
import { createPools } from '../../images/pools.ts';
import type { KnownPools } from '../../images/pools.ts';
import { createRateLimit } from '../../images/rate-limit.ts';
import { createScheduler } from '../../images/scheduler.ts';
import type { Scheduler } from '../../images/scheduler.ts';
import { createSources } from '../../images/sources/index.ts';
import type { SourceOptions } from '../../images/sources/index.ts';
import { createTrust } from '../../images/sources/trust.ts';
import type { ImageError } from '../../model/failures.ts';
import type { DownloadJob } from '../../model/payloads.ts';
import type { Secrets } from '../../model/source.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import { openKeystore } from '../../trust/keystore.ts';
import { openForHost, openKeyForHost, sealForHost } from '../../trust/sealing.ts';
import { startImageServer } from './image-server.ts';
import type { ImageServer } from './image-server.ts';
import { onLoopback } from './loopback.ts';

export interface HostLab {
  readonly server: ImageServer;
  readonly hostId: string;
  readonly activities: HostActivities;
  readonly scheduler: Scheduler;
  /** What was told to the log of the host. */
  readonly logged: readonly ImageError[];
  /** Root of the one pool. */
  readonly root: string;
  poolId(): Promise<string>;
  job(changes: Partial<DownloadJob> & Pick<DownloadJob, 'url'>): Promise<DownloadJob>;
  /** A box for this host. */
  seal(templateId: string, secrets: Secrets): Promise<string>;
  /** Names in the pool's root without the marker and the folder of part files. */
  published(): Promise<readonly string[]>;
  parts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Forgets with the test. */
export function knownInMemory(): KnownPools {
  const known = new Map<string, string>();
  return {
    idOf: (path) => known.get(path),
    async remember(path, id) {
      known.set(path, id);
    },
  };
}

const names = (path: string): Promise<readonly string[]> => readdir(path).catch(() => []);

export async function openHostLab(
  changes: Partial<HostActivityDeps> = {},
  sources: SourceOptions = {},
): Promise<HostLab> {
  const server = await startImageServer();
  const folder = await mkdtemp(join(tmpdir(), 'bypass-host-'));
  const root = join(folder, 'pool');
  await mkdir(root);
  const config: PoolConfig = { path: root, type: 'Filesystem', scope: 'HOST', name: 'lab', create: true };
  const hostId = randomUUID();
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const signing = generateKeyPairSync('ed25519');
  const logged: ImageError[] = [];
  const keystore = openKeystore(folder);
  const scheduler = createScheduler({ limit: 2 });
  const rateLimit = createRateLimit();
  const limits = createHostLimiter({
    own: { downloads: 2, rate: 0 },
    scheduler,
    setRate: (rate) => rateLimit.setRate(rate),
  });
  const pools = createPools([config], knownInMemory());
  const downloads: DownloadDeps = {
    sources: createSources({ ...onLoopback, trust: createTrust(keystore), ...sources }),
    hostId,
    openParts: new Set(),
    rateLimit,
    checkpointBytes: 1_048_576,
  };
  const activities = createHostActivities({
    hostId,
    sign: (text) => sign(null, Buffer.from(text), signing.privateKey).toString('base64url'),
    version: '0.0.0',
    pools,
    scheduler,
    limits,
    certificates: createHostCertificates(keystore, (sealed, certificateId) =>
      openKeyForHost(privateKey, sealed, { certificateId, hostId }),
    ),
    probes: { sources: downloads.sources },
    download: (request, rules) =>
      download(request, { ...downloads, sources: downloads.sources.under(rules, request.secrets) }),
    openSealed: async ({ sealed, templateId }) =>
      sealed === undefined ? undefined : openForHost(privateKey, sealed, { templateId, hostId }),
    programs: async () => [],
    onFailure: (_activity, error) => void logged.push(error),
    ...changes,
  });
  const poolId = async (): Promise<string> => (await pools.report()).pools[0]?.id ?? '';
  return {
    server,
    hostId,
    activities,
    scheduler,
    logged,
    root,
    poolId,
    async job(fields) {
      const ids = { templateId: randomUUID(), copyId: randomUUID(), attemptId: randomUUID() };
      const rest = { mirrors: [], format: 'RAW', size: 0, priority: 5 } as const;
      return { v: 1, poolId: await poolId(), ...ids, ...rest, ...fields };
    },
    seal: (templateId, secrets) =>
      sealForHost(rawPublicKey(publicKey), secrets, { templateId, hostId, origin: secrets.origin }),
    published: async () => (await names(root)).filter((name) => !name.startsWith('.bypass-')),
    parts: () => names(join(root, PARTS_FOLDER)),
    async close() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}
