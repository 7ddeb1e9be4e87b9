/** What the host activities work with. */
import type { DownloadedImage, DownloadRequest } from '../../images/attempt/download-request.ts';
import type { ProbeDeps } from '../../images/attempt/probe.ts';
import type { Scheduler } from '../../images/attempt/scheduler.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import type { Ledger } from '../../images/pools/ledger.ts';
import type { Pools } from '../../images/pools/pools.ts';
import type { ImageError } from '../../model/failures.ts';
import type { ProgramReport, Try } from '../../model/payloads.ts';
import type { HypervisorReport } from '../../model/vms.ts';
import type { SourceRules } from '../../model/source-rules.ts';
import type { Secrets } from '../../model/source.ts';
import type { VmSecrets } from '../../model/vm-payloads.ts';
import type { HostCertificates } from './certificates.ts';
import type { HostLimiter } from './limits.ts';
import type { HostPeers } from './peers.ts';
import type { ProbeTurnOptions } from './probe-turns.ts';

/** A job that may carry secrets, sealed for this host. */
interface SealedJob {
  readonly templateId: string;
  readonly sealed?: string;
}

/** A job of a virtual machine with its secrets, sealed for this host. */
interface SealedVmJob {
  readonly vmId: string;
  readonly sealed: string;
}

export interface HostActivityDeps {
  readonly hostId: string;
  /** A UUID of this start of the host worker. */
  readonly incarnation: string;
  /** Ed25519 signature with the host's key, base64url: the control side verifies answers by it. */
  readonly sign: (text: string) => string;
  /** Of Bypass, on this host. */
  readonly version: string;
  readonly pools: Pools;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  readonly limits: HostLimiter;
  readonly certificates: HostCertificates;
  /** Absent where the host serves no copies to others. */
  readonly peers?: HostPeers;
  readonly probes: ProbeDeps;
  /** Overrides how many probes run at once. */
  readonly probeTurns?: ProbeTurnOptions;
  /**
   * Downloads an image, in this process or another one.
   * @param rules of the job's zone
   * @throws ImageError; the signal's reason when aborted, once the part file is closed
   */
  download(request: DownloadRequest, rules: SourceRules): Promise<DownloadedImage>;
  /** @throws ImageError SealBroken when the secrets were sealed for another host or template */
  openSealed(job: SealedJob): Promise<Secrets | undefined>;
  /** Runs virtual machines; absent where the host has no libvirt. */
  readonly hypervisor?: Hypervisor;
  /** @throws ImageError SealBroken when the secrets were sealed for another host or machine */
  openVmSecrets(job: SealedVmJob): Promise<VmSecrets>;
  programs(): Promise<readonly ProgramReport[]>;
  /** What the host has for virtual machines. Absent: the report says nothing of it. */
  readonly describeHypervisor?:
    ((installed: readonly ProgramReport[]) => Promise<HypervisorReport>) | undefined;
  /** Called in an activity. @returns a function that traces a try which has ended, as a part of that activity */
  readonly traceTries?: () => (ended: Try) => void;
  /** Logs an error with its causes, which do not cross the queue. */
  readonly onFailure: (activity: string, error: ImageError) => void;
}
