/** What a host does when it is asked to: the activities of its two queues. */
import type { DownloadedImage, DownloadRequest } from '../images/download-request.ts';
import { reportPool } from '../images/pool-report.ts';
import type { Pools } from '../images/pools.ts';
import { probe } from '../images/probe.ts';
import type { ProbeDeps } from '../images/probe.ts';
import { removeCopy } from '../images/remove.ts';
import type { Scheduler } from '../images/scheduler.ts';
import type { ImageError } from '../model/failures.ts';
import type { QuickActivities, TransferActivities } from '../model/host-activities.ts';
import type { HostReport, ProgramReport } from '../model/payloads.ts';
import type { Secrets } from '../model/source.ts';
import type { SourceRules } from '../model/source-rules.ts';
import { signed } from './host-answers.ts';
import { downloadOnHost } from './host-download.ts';
import { translated } from './host-failures.ts';
import type { HostLimiter } from './host-limits.ts';
import type { HostCertificates } from './host-certificates.ts';
import {
  requireCertificatesJob,
  requireDescribeJob,
  requireLimitsJob,
  requireProbeJob,
  requireRemoveJob,
} from './host-jobs.ts';
import { tellingVerdicts } from './host-probe.ts';

/** A job that may carry a box for this host. */
interface SealedJob {
  readonly templateId: string;
  readonly sealed?: string;
}

export interface HostActivityDeps {
  readonly hostId: string;
  /** Ed25519 signature with the host's key, base64url: its answers are believed by it. */
  readonly sign: (text: string) => string;
  /** Of Bypass, on this host. */
  readonly version: string;
  readonly pools: Pools;
  readonly scheduler: Scheduler;
  readonly limits: HostLimiter;
  readonly certificates: HostCertificates;
  readonly probes: ProbeDeps;
  /**
   * Downloads an image, wherever that is done.
   * @param rules of the job's zone
   * @throws ImageError; the signal's reason when aborted, once the file is left alone
   */
  download(request: DownloadRequest, rules: SourceRules): Promise<DownloadedImage>;
  /** @throws ImageError SealBroken when the box is not for this host and template */
  openSealed(job: SealedJob): Promise<Secrets | undefined>;
  programs(): Promise<readonly ProgramReport[]>;
  /** For the log: the error with its causes, which do not cross the queue. */
  onFailure(activity: string, error: ImageError): void;
}

export interface HostActivities {
  readonly quick: QuickActivities;
  readonly transfer: TransferActivities;
}

export function createHostActivities(deps: HostActivityDeps): HostActivities {
  const { hostId, pools, certificates } = deps;
  const job = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    translated((error) => deps.onFailure(name, error), work);
  return {
    quick: signed(deps, {
      probe: (given) =>
        job('probe', async () => {
          const { url, format, budgetMs, policy, timeouts, ...rest } = requireProbeJob(given);
          const secrets = await deps.openSealed(rest);
          const { sources, ...limits } = deps.probes;
          const found = await tellingVerdicts(hostId, (signal, onVerdict) =>
            probe(
              { url, format, budgetMs, secrets, signal, onVerdict },
              { ...limits, sources: sources.under({ policy, timeouts }, secrets) },
            ),
          );
          return { v: 1, hostId, ...found };
        }),
      describeHost: (given) =>
        job('describeHost', async () => {
          requireDescribeJob(given);
          return describeHost(deps);
        }),
      setLimits: (given) =>
        job('setLimits', async () => {
          deps.limits.apply(requireLimitsJob(given).limits);
          return describeHost(deps);
        }),
      syncCertificates: (given) =>
        job('syncCertificates', async () => {
          const done = await certificates.sync(requireCertificatesJob(given));
          return { v: 1, hostId, ...done };
        }),
      remove: (given) =>
        job('remove', async () => {
          const { poolId, copyId } = requireRemoveJob(given);
          const pool = await pools.require(poolId);
          const files = await removeCopy(pool, copyId);
          return { v: 1, hostId, files, pool: await reportPool(pool) };
        }),
    }),
    transfer: signed(deps, { download: (given) => downloadOnHost(given, deps) }),
  };
}

/** As a host describes itself when it joins, and whenever it is asked. */
export async function describeHost({
  hostId,
  version,
  pools,
  programs,
  limits,
  certificates,
}: Pick<
  HostActivityDeps,
  'hostId' | 'version' | 'pools' | 'programs' | 'limits' | 'certificates'
>): Promise<HostReport> {
  const [found, installed, trusted] = await Promise.all([pools.report(), programs(), certificates.report()]);
  const problems = [...found.problems, ...(trusted.problem === undefined ? [] : [trusted.problem])];
  return {
    v: 1,
    hostId,
    version,
    pools: found.pools,
    programs: installed,
    limits: limits.report(),
    certificates: trusted.held,
    ...(problems.length === 0 ? {} : { problems }),
  };
}
