/**
 * The host lab: a real origin, one real pool in a temporary folder, and the activities of one host, without Temporal.
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostLimiter } from '../../activities/host/limits.ts';
import { createHostCertificates } from '../../activities/host/certificates.ts';
import { createHostActivities } from '../../activities/host/activities.ts';
import type { HostActivities } from '../../activities/host/activities.ts';
import type { HostActivityDeps } from '../../activities/host/deps.ts';
import { download } from '../../images/attempt/download.ts';
import type { DownloadDeps } from '../../images/attempt/download.ts';
import type { PoolConfig } from '../../images/pools/pool.ts';
import { openLedger } from '../../images/pools/ledger.ts';
import { createPools } from '../../images/pools/pools.ts';
import type { KnownPools } from '../../images/pools/pools.ts';
import { createRateLimit } from '../../images/fetch/rate-limit.ts';
import { createScheduler } from '../../images/attempt/scheduler.ts';
import type { Scheduler } from '../../images/attempt/scheduler.ts';
import { createSources } from '../../images/fetch/sources.ts';
import type { SourceOptions } from '../../images/fetch/sources.ts';
import { createTrust } from '../../images/fetch/network/trust.ts';
import type { ImageError } from '../../model/failures.ts';
import type { DownloadJob } from '../../model/payloads.ts';
import type { Secrets } from '../../model/source.ts';
import type { VmSecrets } from '../../model/vm-payloads.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import { openKeystore } from '../../trust/keystore.ts';
import {
  openForHost,
  openKeyForHost,
  openVmSecrets,
  sealForHost,
  sealVmSecrets,
} from '../../trust/sealing.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { onLoopback } from '../support/loopback.ts';
import { partsIn, publishedIn } from '../support/pool-folder.ts';

export interface HostLab {
  readonly server: ImageServer;
  readonly hostId: string;
  readonly activities: HostActivities;
  readonly scheduler: Scheduler;
  /** Failures that the host logged. */
  readonly logged: readonly ImageError[];
  /** Root of the one pool. */
  readonly root: string;
  poolId(): Promise<string>;
  job(changes: Partial<DownloadJob> & Pick<DownloadJob, 'url'>): Promise<DownloadJob>;
  /** Seals secrets for this host. */
  seal(templateId: string, secrets: Secrets): Promise<string>;
  /** Seals secrets of a virtual machine for this host. */
  sealVm(vmId: string, secrets: VmSecrets): Promise<string>;
  /** Names in the pool's root without the marker and the folder of part files. */
  published(): Promise<readonly string[]>;
  /** Names in the folder of part files. */
  parts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Remembers pools in memory, where a host uses its state folder. */
export function knownInMemory(): KnownPools {
  const known = new Map<string, string>();
  return {
    idOf: (path) => known.get(path),
    async remember(path, id) {
      known.set(path, id);
    },
  };
}

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
  const ledger = openLedger(folder);
  const downloads: DownloadDeps = {
    sources: createSources({ ...onLoopback, trust: createTrust(keystore), ...sources }),
    hostId,
    openParts: new Set(),
    ledger,
    rateLimit,
    checkpointBytes: 1_048_576,
  };
  const activities = createHostActivities({
    hostId,
    incarnation: randomUUID(),
    sign: (text) => sign(null, Buffer.from(text), signing.privateKey).toString('base64url'),
    version: '0.0.0',
    pools,
    ledger,
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
    openVmSecrets: ({ vmId, sealed }) => openVmSecrets(privateKey, sealed, { vmId, hostId }),
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
    sealVm: (vmId, secrets) => sealVmSecrets(rawPublicKey(publicKey), secrets, { vmId, hostId }),
    published: () => publishedIn(root),
    parts: () => partsIn(root),
    async close() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}
