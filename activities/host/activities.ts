/**
 * The activities of a host's two queues. Each job is read by its schema; its errors become failures with a kind
 * (`withImageErrors`), and its answer is signed (`withProof`), which must be outermost: it signs failures as well.
 */
import { probe } from '../../images/attempt/probe.ts';
import { capabilitiesOf } from '../../model/capabilities.ts';
import type { QuickActivities, TransferActivities, VmActivities } from '../../model/host-activities.ts';
import { ImageError } from '../../model/failures.ts';
import {
  certificatesJob,
  describeJob,
  hashJob,
  limitsJob,
  peerChange,
  peerCredentials,
  priorityJob,
  probeJob,
  removeJob,
} from '../../model/messages/jobs.ts';
import type { HostReport } from '../../model/payloads.ts';
import type { UrlReport } from '../../model/source.ts';
import type { HostActivityDeps } from './deps.ts';
import { count, setGauge } from '../metrics.ts';
import { downloadOnHost } from './download.ts';
import { hashCopy } from './hash-copy.ts';
import { withImageErrors } from './image-errors.ts';
import { withReadJob } from './jobs.ts';
import { createProbeTurns } from './probe-turns.ts';
import { createPoolFileActivities } from './pool-files.ts';
import { createRunningDownloads } from './running-downloads.ts';
import { withProof } from './proof.ts';
import { wholeUrl } from './secrets.ts';
import { createVmActivities } from './vms.ts';
import { withVerdictHeartbeats } from './verdict-heartbeats.ts';

export interface HostActivities {
  readonly quick: QuickActivities & VmActivities;
  readonly transfer: TransferActivities;
}

export function createHostActivities(deps: HostActivityDeps): HostActivities {
  const { hostId, pools, certificates } = deps;
  const turns = createProbeTurns(deps.probeTurns);
  const running = createRunningDownloads((phase, number) =>
    setGauge('bypass_host_downloads', number, { phase }),
  );
  const quick: QuickActivities & VmActivities = {
    ...createVmActivities(deps),
    ...createPoolFileActivities(deps),
    probe: withReadJob(probeJob(deps.probes.sources.protocols), async (job) => {
      const { templateId, accountId, sealed, policy, timeouts, ...asked } = job;
      const secrets = await deps.openSealed({ templateId, ...(sealed === undefined ? {} : { sealed }) });
      const { sources, ...limits } = deps.probes;
      const found = await withVerdictHeartbeats(hostId, (signal, onVerdict) =>
        turns.take({ owner: accountId ?? '', signal, ...asked }, (remaining) =>
          probe(
            { ...asked, ...remaining, url: wholeUrl(asked.url, secrets), secrets, signal, onVerdict },
            { ...limits, sources: sources.under({ policy, timeouts }, secrets) },
          ),
        ),
      );
      for (const verdict of found.urls.map(verdictOf)) count('bypass_probe_verdicts_total', 1, { verdict });
      return { v: 1, hostId, ...found };
    }),
    describeHost: withReadJob(describeJob, () => describeHost(deps)),
    setLimits: withReadJob(limitsJob, ({ limits }) => {
      deps.limits.apply(limits);
      return describeHost(deps);
    }),
    setPeerCredentials: withReadJob(peerCredentials, async (credentials) => {
      if (deps.peers === undefined)
        throw new ImageError('Unsupported', 'this host serves no copies to others');
      deps.peers.take(credentials);
      return describeHost(deps);
    }),
    changePeers: withReadJob(peerChange, (change) => {
      const trusted = deps.peers?.change(change);
      return Promise.resolve({ v: 1 as const, hostId, ...(trusted === undefined ? {} : { trusted }) });
    }),
    syncCertificates: withReadJob(certificatesJob, async (job) => {
      const synced = await certificates.sync(job);
      return { v: 1, hostId, ...synced };
    }),
    raisePriority: withReadJob(priorityJob, ({ attemptId, priority }) => {
      deps.scheduler.raise(attemptId, priority);
      return Promise.resolve({ v: 1 as const, hostId });
    }),
    hashCopy: withReadJob(hashJob, async (job) => ({ v: 1, hostId, ...(await hashCopy(job, pools)) })),
    remove: withReadJob(removeJob, async ({ poolId, copyId }) => {
      const pool = await pools.require(poolId);
      const files = await pool.remove(copyId);
      await deps.ledger.forget(copyId);
      return { v: 1, hostId, files, pool: await pool.report() };
    }),
  };
  return {
    quick: withProof(deps, withImageErrors(deps.onFailure, quick)),
    // A download reports its failure together with its tries, and so translates its errors itself.
    transfer: withProof(deps, { download: (job) => downloadOnHost(job, { ...deps, running }) }),
  };
}

const verdictOf = ({ reachable, rule }: UrlReport): string =>
  reachable ? 'reachable' : rule === undefined ? 'unreachable' : 'denied';

type DescribeDeps = Pick<
  HostActivityDeps,
  | 'hostId'
  | 'version'
  | 'pools'
  | 'programs'
  | 'limits'
  | 'certificates'
  | 'peers'
  | 'probes'
  | 'describeHypervisor'
>;

/** The host's report, for a join and for the job `describeHost`. */
export async function describeHost({
  hostId,
  version,
  pools,
  programs,
  limits,
  certificates,
  peers,
  probes,
  describeHypervisor,
}: DescribeDeps): Promise<HostReport> {
  const describeMachines = async () => {
    const installed = await programs();
    return { installed, hypervisor: await describeHypervisor?.(installed) };
  };
  const [found, { installed, hypervisor }, trusted] = await Promise.all([
    pools.report(),
    describeMachines(),
    certificates.report(),
  ]);
  const peer = peers?.report();
  const problems = [
    ...found.problems,
    ...[trusted.problem, peers?.problem()].filter((problem) => problem !== undefined),
  ];
  return {
    v: 1,
    hostId,
    version,
    pools: found.pools,
    programs: installed,
    capabilities: capabilitiesOf(installed, probes.sources.protocols),
    limits: limits.report(),
    certificates: trusted.held,
    ...(hypervisor === undefined ? {} : { hypervisor }),
    ...(peer === undefined ? {} : { peer }),
    ...(problems.length === 0 ? {} : { problems }),
  };
}
