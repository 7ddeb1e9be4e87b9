/** What a host worker can be asked to do; the interface between the control side and every host. */
import type {
  DescribeJob,
  DownloadJob,
  DownloadResult,
  HostReport,
  ProbeJob,
  ProbeReport,
  RemoveJob,
  RemoveResult,
} from './payloads.ts';

/** Short jobs, on the host's quick queue. */
export interface QuickActivities {
  probe(job: ProbeJob): Promise<ProbeReport>;
  describeHost(job: DescribeJob): Promise<HostReport>;
  remove(job: RemoveJob): Promise<RemoveResult>;
}

/** Downloads, on the host's transfer queue. Heartbeats carry `Progress`; fails with a `DownloadFailure` as detail. */
export interface TransferActivities {
  download(job: DownloadJob): Promise<DownloadResult>;
}
