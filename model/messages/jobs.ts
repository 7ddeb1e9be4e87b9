/** Jobs as a host reads them. Ids are checked here, since some of them become parts of paths. */
import * as z from 'zod/mini';
import { aliasProblem } from '../certificate.ts';
import type { CertificatesJob, WantedCertificate } from '../certificate-jobs.ts';
import { parseChecksum } from '../checksum.ts';
import type {
  DescribeJob,
  DownloadJob,
  HostLimits,
  LimitsJob,
  PriorityJob,
  ProbeJob,
  RemoveJob,
} from '../payloads.ts';
import type { HashJob } from '../verification.ts';
import type { Protocols } from '../protocols.ts';
import { MAX_TIMEOUT_MS, readTimeouts } from '../source-rules.ts';
import type { SourceTimeouts } from '../source-rules.ts';
import type { Mirror } from '../source.ts';
import type { PeerChange, PeerCredentials } from '../spread.ts';
import { checkPolicy } from '../url-policy.ts';
import type { UrlPolicy } from '../url-policy.ts';
import { parseImageUrl } from '../url.ts';
import { healing } from './image-pieces.ts';
import { knownLineage, peerSource } from './lineages.ts';
import { ifUnderstood, message, rule, text, understood, uuid, version, whole } from './schema.ts';
import type { Schema } from './schema.ts';

const MAX_MIRRORS = 64;
const MAX_BUDGET_MS = 60_000;
const MAX_PRIORITY = 100;
const DEFAULT_PRIORITY = 5;

/** @returns what the parser says is wrong */
const problemIn = (parse: () => unknown): string | undefined => {
  try {
    parse();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

const imageUrl = (protocols: Protocols): Schema<string> =>
  z.string().check(rule((given) => problemIn(() => parseImageUrl(given, protocols))));

const checksum = (): Schema<string> =>
  z.string().check(rule((given) => problemIn(() => parseChecksum(given))));

const format = () => z.enum(['QCOW2', 'RAW', 'ISO']);

/** An unreadable policy refuses the job: it must not count as one that allows everything. */
const policy = (): Schema<UrlPolicy> => z.custom<UrlPolicy>().check(rule((given) => checkPolicy(given)));

const timeouts = (): Schema<SourceTimeouts> =>
  z.pipe(
    z
      .custom<SourceTimeouts>()
      .check(
        rule((given) =>
          readTimeouts(given) === undefined
            ? `are not whole numbers of milliseconds from 1 to ${MAX_TIMEOUT_MS}`
            : undefined,
        ),
      ),
    z.transform((given): SourceTimeouts => readTimeouts(given) ?? {}),
  );

/** An order only; an odd one is no reason to fail. */
const priority = (): Schema<number> =>
  z.catch(z.number().check(z.minimum(0), z.maximum(MAX_PRIORITY)), DEFAULT_PRIORITY);

const mirror = (protocols: Protocols) =>
  message<Mirror>({
    url: imageUrl(protocols),
    priority: z.number().check(z.minimum(0)),
    location: ifUnderstood(text()),
    size: z.catch(whole(), 0),
    etag: ifUnderstood(text()),
    lastModified: ifUnderstood(text()),
    ranges: z.catch(z.boolean(), false),
  });

export const probeJob = (protocols: Protocols) =>
  message<ProbeJob>({
    v: version(),
    templateId: uuid(),
    accountId: ifUnderstood(uuid()),
    url: imageUrl(protocols),
    format: format(),
    checksum: ifUnderstood(checksum()),
    sealed: z.optional(z.string()),
    policy: z.optional(policy()),
    timeouts: z.optional(timeouts()),
    budgetMs: z.number().check(z.minimum(1), z.maximum(MAX_BUDGET_MS)),
    patienceMs: z.optional(z.number().check(z.minimum(1), z.maximum(MAX_TIMEOUT_MS))),
    all: z.optional(z.boolean()),
  });

export const downloadJob = (protocols: Protocols) =>
  message<DownloadJob>({
    v: version(),
    templateId: uuid(),
    poolId: uuid(),
    copyId: uuid(),
    attemptId: uuid(),
    url: imageUrl(protocols),
    mirrors: z.array(mirror(protocols)).check(z.maxLength(MAX_MIRRORS)),
    format: format(),
    checksum: z.optional(checksum()),
    size: whole(),
    sealed: z.optional(z.string()),
    policy: z.optional(policy()),
    timeouts: z.optional(timeouts()),
    priority: priority(),
    peer: z.optional(peerSource),
    lineages: ifUnderstood(understood(knownLineage)),
    healing: ifUnderstood(healing),
  });

export const removeJob = message<RemoveJob>({ v: version(), poolId: uuid(), copyId: uuid() });

export const hashJob = message<HashJob>({
  v: version(),
  poolId: uuid(),
  copyId: uuid(),
  bytesPerSecond: ifUnderstood(whole()),
});

export const describeJob = message<DescribeJob>({ v: version() });

const hostLimits = message<HostLimits>({
  revision: whole(),
  downloads: z.optional(whole(1)),
  rate: z.optional(whole()),
});

export const limitsJob = message<LimitsJob>({ v: version(), limits: hostLimits });

export const priorityJob = message<PriorityJob>({ v: version(), attemptId: uuid(), priority: priority() });

const wantedCertificate = message<WantedCertificate>({
  id: uuid(),
  alias: z.string().check(rule((given) => aliasProblem(given))),
  certificate: z.string(),
  clientCertificate: z.optional(z.string()),
  sealed: z.optional(z.string()),
});

export const certificatesJob = message<CertificatesJob>({
  v: version(),
  certificates: z.array(wantedCertificate),
});

export const peerChange = message<PeerChange>({
  v: version(),
  from: z.string(),
  to: z.string(),
  added: z.array(uuid()),
  removed: z.array(uuid()),
});

export const peerCredentials = message<PeerCredentials>({
  v: version(),
  certificate: z.string(),
  authorities: z.array(z.string()).check(z.minLength(1)),
  ticketKey: z.record(z.string(), z.string()),
  hostIds: z.array(uuid()),
});
