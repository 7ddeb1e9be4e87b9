/** The activities of a host worker: the interface between the control side and every host. */
import type { CertificatesJob, CertificatesResult } from './certificate-jobs.ts';
import type {
  DescribeJob,
  DownloadJob,
  DownloadResult,
  HostAnswer,
  HostReport,
  LimitsJob,
  PriorityJob,
  PriorityResult,
  ProbeJob,
  ProbeReport,
  RemoveJob,
  RemoveResult,
} from './payloads.ts';
import type {
  FilesInUseJob,
  FilesInUseResult,
  ListPoolFilesJob,
  ListPoolFilesResult,
  RemovePoolFilesJob,
  RemovePoolFilesResult,
} from './pool-files.ts';
import type { HashJob, HashResult } from './verification.ts';
import type { PeerChange, PeerCredentials } from './spread.ts';
import type {
  ChangeIsoJob,
  ConsoleLogJob,
  ConsoleLogResult,
  ListDomainsJob,
  ListDomainsResult,
  RebootVmJob,
  ReleaseVmJob,
  ReleaseVmResult,
  StartVmJob,
  StartVmResult,
  StopVmJob,
  VmStateResult,
} from './vm-payloads.ts';

/** What a host knows of its peers after a change (`PeerChange`); another digest than that of the change where it could not make it. */
export interface PeersKnown extends HostAnswer {
  readonly trusted?: string;
}

/** Short jobs, on the host's quick queue. */
export interface QuickActivities {
  readonly probe: (job: ProbeJob) => Promise<ProbeReport>;
  readonly describeHost: (job: DescribeJob) => Promise<HostReport>;
  readonly setLimits: (job: LimitsJob) => Promise<HostReport>;
  readonly setPeerCredentials: (job: PeerCredentials) => Promise<HostReport>;
  readonly changePeers: (job: PeerChange) => Promise<PeersKnown>;
  /** A host of an earlier release does not know this job. */
  readonly raisePriority: (job: PriorityJob) => Promise<PriorityResult>;
  readonly remove: (job: RemoveJob) => Promise<RemoveResult>;
  /** Sends heartbeats. */
  readonly hashCopy: (job: HashJob) => Promise<HashResult>;
  /** These three send heartbeats. Hosts without the feature `poolFiles` do not know them. */
  readonly listPoolFiles: (job: ListPoolFilesJob) => Promise<ListPoolFilesResult>;
  readonly filesInUse: (job: FilesInUseJob) => Promise<FilesInUseResult>;
  readonly removePoolFiles: (job: RemovePoolFilesJob) => Promise<RemovePoolFilesResult>;
  readonly syncCertificates: (job: CertificatesJob) => Promise<CertificatesResult>;
}

/** Downloads, on the host's transfer queue. Heartbeats carry `Progress`; fails with a `DownloadFailure` as detail. */
export interface TransferActivities {
  readonly download: (job: DownloadJob) => Promise<DownloadResult>;
}

/** Jobs of virtual machines, on the host's quick queue. `startVm` sends `VmProgress` as heartbeats. */
export interface VmActivities {
  readonly startVm: (job: StartVmJob) => Promise<StartVmResult>;
  readonly stopVm: (job: StopVmJob) => Promise<VmStateResult>;
  readonly rebootVm: (job: RebootVmJob) => Promise<VmStateResult>;
  readonly releaseVm: (job: ReleaseVmJob) => Promise<ReleaseVmResult>;
  readonly changeIso: (job: ChangeIsoJob) => Promise<VmStateResult>;
  readonly consoleLog: (job: ConsoleLogJob) => Promise<ConsoleLogResult>;
  readonly listDomains: (job: ListDomainsJob) => Promise<ListDomainsResult>;
}

export type HostActivityName = keyof (QuickActivities & TransferActivities & VmActivities);
