/** What a host takes from its queues. Nothing unknown or unfit gets past here, least of all into a path. */
import { isUuid } from '../images/files.ts';
import { parseChecksum } from '../model/checksum.ts';
import { ImageError } from '../model/failures.ts';
import { whyNoAlias } from '../model/certificate.ts';
import type { CertificatesJob } from '../model/certificate-jobs.ts';
import type { DescribeJob, DownloadJob, LimitsJob, ProbeJob, RemoveJob } from '../model/payloads.ts';
import type { Mirror } from '../model/source.ts';
import { MOST_TIMEOUT_MS, readTimeouts } from '../model/source-rules.ts';
import type { SourceTimeouts } from '../model/source-rules.ts';
import { checkPolicy } from '../model/url-policy.ts';
import { displayUrl, parseImageUrl } from '../model/url.ts';

const FORMATS: readonly string[] = ['QCOW2', 'RAW', 'ISO'];
const MAX_MIRRORS = 64;
const MAX_BUDGET_MS = 60_000;
const MAX_PRIORITY = 100;
const DEFAULT_PRIORITY = 5;

export function requireProbeJob(job: ProbeJob): ProbeJob {
  requireVersion(job);
  requireId('templateId', job.templateId);
  requireUrl(job.url);
  requireFormat(job.format);
  requireSealed(job.sealed);
  requirePolicy(job.policy);
  requireNumber('budgetMs', job.budgetMs, 1, MAX_BUDGET_MS);
  return { ...job, ...timeoutsOf(job) };
}

export function requireDownloadJob(job: DownloadJob): DownloadJob {
  requireVersion(job);
  for (const name of ['templateId', 'poolId', 'copyId', 'attemptId'] as const) requireId(name, job[name]);
  requireUrl(job.url);
  requireMirrors(job.mirrors);
  requireFormat(job.format);
  requireSealed(job.sealed);
  requirePolicy(job.policy);
  requireNumber('size', job.size, 0, Number.MAX_SAFE_INTEGER);
  if (job.checksum !== undefined) readable('checksum', () => parseChecksum(job.checksum ?? ''));
  return { ...job, priority: priorityOf(job.priority), ...timeoutsOf(job) };
}

export function requireRemoveJob(job: RemoveJob): RemoveJob {
  requireVersion(job);
  requireId('poolId', job.poolId);
  requireId('copyId', job.copyId);
  return job;
}

export function requireLimitsJob(job: LimitsJob): LimitsJob {
  requireVersion(job);
  const { revision, downloads = 1, rate = 0 } = job.limits;
  requireWhole('the revision of the limits', revision, 0);
  requireWhole('the limit of downloads', downloads, 1);
  requireWhole('the limit of bytes per second', rate, 0);
  return job;
}

export function requireDescribeJob(job: DescribeJob): DescribeJob {
  requireVersion(job);
  return job;
}

export function requireCertificatesJob(job: CertificatesJob): CertificatesJob {
  requireVersion(job);
  if (!Array.isArray(job.certificates)) throw unfit('certificates is no list');
  for (const { id, alias, certificate, clientCertificate, sealed } of job.certificates) {
    requireId('the id of a certificate', id);
    if (typeof alias !== 'string' || whyNoAlias(alias) !== undefined) throw unfit('an alias is no DNS label');
    if (typeof certificate !== 'string') throw unfit('a certificate is no text');
    if (clientCertificate !== undefined && typeof clientCertificate !== 'string') {
      throw unfit('a client certificate is no text');
    }
    requireSealed(sealed);
  }
  return job;
}

function requireVersion(job: { readonly v: number } | undefined): void {
  if (job?.v === 1) return;
  throw new ImageError('HostFault', 'the job is of a newer version of Bypass: update this host worker');
}

function requireId(name: string, id: unknown): void {
  if (typeof id !== 'string' || !isUuid(id)) throw unfit(`${name} is not a UUID in lower case`);
}

function requireUrl(url: unknown): void {
  if (typeof url !== 'string') throw unfit('url is no text');
  readable('url', () => parseImageUrl(url), displayUrl(url));
}

function requireMirrors(mirrors: readonly Mirror[]): void {
  if (!Array.isArray(mirrors) || mirrors.length > MAX_MIRRORS) {
    throw unfit(`mirrors is not a list of at most ${MAX_MIRRORS}`);
  }
  for (const mirror of mirrors as readonly Mirror[]) {
    requireUrl(mirror.url);
    requireNumber('the priority of a mirror', mirror.priority, 0, Number.MAX_SAFE_INTEGER);
  }
}

function requireFormat(format: unknown): void {
  if (typeof format !== 'string' || !FORMATS.includes(format)) {
    throw unfit(`format is not one of ${FORMATS.join(', ')}`);
  }
}

function requireSealed(sealed: unknown): void {
  if (sealed !== undefined && typeof sealed !== 'string') throw unfit('sealed is no text');
}

function requirePolicy(policy: unknown): void {
  const wrong = policy === undefined ? undefined : checkPolicy(policy);
  if (wrong !== undefined) throw unfit(`its URL policy ${wrong}`);
}

function timeoutsOf({ timeouts }: ProbeJob | DownloadJob): { readonly timeouts?: SourceTimeouts } {
  if (timeouts === undefined) return {};
  const read = readTimeouts(timeouts);
  if (read !== undefined) return { timeouts: read };
  throw unfit(`its timeouts are not whole numbers of milliseconds from 1 to ${MOST_TIMEOUT_MS}`);
}

function requireNumber(name: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw unfit(`${name} is not a number from ${min} to ${max}`);
}

function requireWhole(name: string, value: unknown, min: number): void {
  if (!Number.isSafeInteger(value)) throw unfit(`${name} is no whole number`);
  requireNumber(name, value, min, Number.MAX_SAFE_INTEGER);
}

/** An order only; an odd one is no reason to fail. */
const priorityOf = (priority: unknown): number =>
  typeof priority === 'number' && priority >= 0 && priority <= MAX_PRIORITY ? priority : DEFAULT_PRIORITY;

function readable(name: string, parse: () => unknown, url?: string): void {
  try {
    parse();
  } catch (error) {
    throw unfit(`${name} ${(error as Error).message}`, url);
  }
}

const unfit = (sentence: string, url?: string): ImageError =>
  new ImageError('Unsupported', `the job cannot be taken: ${sentence}`, url === undefined ? {} : { url });
