/** What a host worker can be asked to do; the interface between the control side and every host. */
import type { CertificatesJob, CertificatesResult } from './certificate-jobs.ts';
import type {
  DescribeJob,
  DownloadJob,
  DownloadResult,
  HostReport,
  LimitsJob,
  ProbeJob,
  ProbeReport,
  RemoveJob,
  RemoveResult,
} from './payloads.ts';

/** Short jobs, on the host's quick queue. */
export interface QuickActivities {
  readonly probe: (job: ProbeJob) => Promise<ProbeReport>;
  readonly describeHost: (job: DescribeJob) => Promise<HostReport>;
  readonly setLimits: (job: LimitsJob) => Promise<HostReport>;
  readonly remove: (job: RemoveJob) => Promise<RemoveResult>;
  readonly syncCertificates: (job: CertificatesJob) => Promise<CertificatesResult>;
}

/** Downloads, on the host's transfer queue. Heartbeats carry `Progress`; fails with a `DownloadFailure` as detail. */
export interface TransferActivities {
  readonly download: (job: DownloadJob) => Promise<DownloadResult>;
}

export type HostActivityName = keyof (QuickActivities & TransferActivities);
