/**
 * Messages that cross a queue: inputs and results of workflows and activities. Each is one object with `v: 1`; fields are
 * only added, so that hosts one release older or newer keep working. Only `sealed` is secret, and only the addressed host
 * can open it.
 */
import type { Proof } from './answer.ts';
import type { ImageEvidence } from './evidence.ts';
import type { HeldCertificate } from './certificate.ts';
import type { Failure } from './failures.ts';
import type { Healing, PieceVerdict } from './image-pieces.ts';
import type { Mirror, UrlReport } from './source.ts';
import type { SourceTimeouts } from './source-rules.ts';
import type { KnownLineage, PeerFailures, PeerReport, PeerSource } from './spread.ts';
import type { PoolScope, PoolType, TemplateFormat } from './states.ts';
import type {
  RunParameters,
  CopyTiming,
  DeletionTiming,
  LimitsTiming,
  RegistrationTiming,
} from './timing.ts';
import type { UrlPolicy } from './url-policy.ts';
import type { HypervisorReport } from './vms.ts';
import type { History } from './decisions.ts';

/** Fields of every answer of a host. The control side takes an answer only with the proof for this very call. */
export interface HostAnswer {
  readonly v: 1;
  readonly hostId: string;
  readonly proof?: Proof;
}

export interface ProbeJob {
  readonly v: 1;
  readonly templateId: string;
  /** Owner of the template: accounts take turns on a host. */
  readonly accountId?: string;
  readonly url: string;
  readonly format: TemplateFormat;
  /** As registered: `{ALG}hex` of the file as transferred. */
  readonly checksum?: string;
  readonly sealed?: string;
  /** URL policy of the zone, which narrows that of the host. */
  readonly policy?: UrlPolicy;
  /** Timeouts of the zone, which replace those of the host. */
  readonly timeouts?: SourceTimeouts;
  /** Milliseconds that the probe may take; a URL without an answer by then is reported as unreachable. */
  readonly budgetMs: number;
  /** Milliseconds that the probe may take while no URL was found good; absent: `budgetMs`. */
  readonly patienceMs?: number;
  /** The zone demands that every mirror answers. */
  readonly all?: boolean;
}

export interface ProbeReport extends HostAnswer {
  readonly urls: readonly UrlReport[];
  /** Present when the URL is a metalink that could be read. */
  readonly metalink?: {
    /** SHA-256 of the document. */
    readonly digest: string;
    /** `{ALG}hex` of the whole file, the strongest that the document gives. */
    readonly checksum?: string;
    /** 0 when the document gives none. */
    readonly size: number;
  };
}

export interface DownloadJob {
  readonly v: 1;
  readonly templateId: string;
  readonly poolId: string;
  /** UUID of the `template_spool_ref` row; the name of the published file. */
  readonly copyId: string;
  /** Unique to this attempt; names its part file. */
  readonly attemptId: string;
  readonly url: string;
  /** Sources to fetch from; empty means `url` alone. */
  readonly mirrors: readonly Mirror[];
  readonly format: TemplateFormat;
  /** Checksum of the file as transferred, `{ALG}hex`. */
  readonly checksum?: string | undefined;
  /** Bytes of the file as registered; 0 when unknown. */
  readonly size: number;
  readonly sealed?: string;
  /** URL policy of the zone, which narrows that of the host. */
  readonly policy?: UrlPolicy;
  /** Timeouts of the zone, which replace those of the host. */
  readonly timeouts?: SourceTimeouts;
  /** 1 goes before 5; equal ones in the order of their arrival. */
  readonly priority: number;
  /** The host to fetch from instead of the mirrors. Only hosts with the feature `peers` get it. */
  readonly peer?: PeerSource;
  /**
   * Lineages of this template that hosts have published. Without a checksum, bytes of a lineage that are here from before
   * are published only with its SHA-256.
   */
  readonly lineages?: readonly KnownLineage[];
  /** The published file is damaged: what is right of it stays. Absent: all bytes are fetched. */
  readonly healing?: Healing;
}

/** A file that somebody else put where a file of Bypass belongs. */
export interface ForeignFile {
  /** Path at which it was found. */
  readonly path: string;
  /** Path to which it was moved; nothing is removed or overwritten. */
  readonly movedTo: string;
}

/** One try of one mirror by one attempt; a row of `download_attempt`. */
export interface Try {
  readonly source: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Bytes fetched from the source, without those that were on the pool before. */
  readonly bytes: number;
  readonly failure?: Failure;
  /** Evidence about an image that was refused. */
  readonly evidence?: ImageEvidence;
  /** Why the try began at byte 0 although the pool had bytes, such as a file that changed at the source. */
  readonly note?: string;
  /** A sentence that says how the file may differ from the registered one; it becomes an event. */
  readonly changed?: string;
  /** Foreign files found on the pool during the try; each becomes an event. */
  readonly foreign?: readonly ForeignFile[];
}

export interface DownloadResult extends HostAnswer {
  /** Bytes of the published file. */
  readonly size: number;
  /** Bytes that the file takes on disk. */
  readonly physicalSize: number;
  /** Bytes that a VM sees. */
  readonly virtualSize: number;
  /** Bytes fetched from sources by this attempt; 0 when the image was published before. */
  readonly fetched: number;
  /** Of `fetched`, bytes that came from other hosts; absent: none. */
  readonly fromPeers?: number;
  /** Hexadecimal, of the published file. */
  readonly sha256: string;
  /** The lineage of the published file (model/spread.ts); absent when this host did not publish it. */
  readonly lineage?: string;
  /** What a healing showed of the hashes that the job named; absent where it showed nothing. */
  readonly pieces?: PieceVerdict;
  /** Bytes of the file as transferred, which may be packed; absent when the image was published before. */
  readonly transferred?: number;
  /** Evidence about the published file. */
  readonly evidence?: ImageEvidence;
  /** File name within the pool. */
  readonly installPath: string;
  /** Absolute path on this host. */
  readonly localPath: string;
  readonly tries: readonly Try[];
  readonly pool: PoolReport;
}

export interface RemoveJob {
  readonly v: 1;
  readonly poolId: string;
  readonly copyId: string;
}

export interface RemoveResult extends HostAnswer {
  /** Number of unlinked files: the published one and part files. */
  readonly files: number;
  readonly pool: PoolReport;
}

/** A pool as one host sees it. */
export interface PoolReport {
  readonly id: string;
  readonly name: string;
  readonly type: PoolType;
  readonly scope: PoolScope;
  readonly path: string;
  /** Size of the file system in bytes. */
  readonly capacity: number;
  /** Bytes that an ordinary process may still write. */
  readonly free: number;
  /** False when the marker is absent; then `problem` says so and sizes are 0. */
  readonly mounted: boolean;
  readonly problem?: string;
  /** Unfinished downloads on the pool: copy id → bytes on disk. `free` does not include these bytes. */
  readonly parts?: Readonly<Record<string, number>>;
}

export interface ProgramReport {
  readonly name: string;
  /** First line of the output of its version option; absent when the program is not installed. */
  readonly version?: string;
  /** What the host cannot do without it. */
  readonly purpose: string;
}

/** Names of what a host can do. A newer release may report names that this one does not know. */
export interface HostCapabilities {
  /** URL schemes, and `metalink`. */
  readonly protocols: readonly string[];
  /** Image formats. */
  readonly formats: readonly string[];
  /** Compressions that the host can unpack. */
  readonly unpacks: readonly string[];
  /** Fields of jobs that the host heeds. */
  readonly features: readonly string[];
}

/** Requests a host's `HostReport`. */
export interface DescribeJob {
  readonly v: 1;
}

export interface HostReport extends HostAnswer {
  readonly version: string;
  readonly pools: readonly PoolReport[];
  readonly programs: readonly ProgramReport[];
  /** Absent in reports of releases without this field. */
  readonly capabilities?: HostCapabilities;
  /** Certificates in the host's keystore; absent in reports of releases without a keystore. */
  readonly certificates?: readonly HeldCertificate[];
  /** Sentences about problems, such as a configured pool that was never mounted, so that its id is not known. */
  readonly problems?: readonly string[];
  readonly limits?: LimitsReport;
  /** Absent in reports of releases without virtual machines. */
  readonly hypervisor?: HypervisorReport;
  /** Absent in reports of hosts that serve no copies to others. */
  readonly peer?: PeerReport;
}

/** Limits that an administrator sets for a host. Absent ones are those of the host's own settings. */
export interface HostLimits {
  /** A higher revision is newer. */
  readonly revision: number;
  /** Downloads at a time. */
  readonly downloads?: number;
  /** Bytes per second; 0 for no limit. */
  readonly rate?: number;
}

/** The limits in force on a host. Revision 0: those of its own settings. */
export type LimitsReport = Required<HostLimits>;

/** Sets limits of a host from now on; the host answers with its `HostReport`. */
export interface LimitsJob {
  readonly v: 1;
  readonly limits: HostLimits;
}

/** Moves a download that waits for its turn before those of a lower priority. */
export interface PriorityJob {
  readonly v: 1;
  readonly attemptId: string;
  /** 1 goes before 5. */
  readonly priority: number;
}

/** The host has taken the job. A download that runs already, or runs no more, stays as it is. */
export type PriorityResult = HostAnswer;

export interface HostLimitsInput extends RunParameters<LimitsTiming> {
  readonly v: 1;
  readonly hostId: string;
}

export interface HostLimitsResult {
  readonly v: 1;
  /** Whether the host has applied the limits that are set for it. */
  readonly told: boolean;
}

export interface RegistrationInput extends RunParameters<RegistrationTiming> {
  readonly v: 1;
  readonly templateId: string;
  readonly accountId: string;
  readonly userId: string;
  readonly name: string;
  readonly displayText: string;
  readonly url: string;
  readonly format: TemplateFormat;
  readonly checksum?: string;
  /** UUIDs. With `allZones` they are all zones of the time of the registration (cross_zones). */
  readonly zoneIds: readonly string[];
  readonly allZones: boolean;
  readonly osTypeId?: string;
  readonly isPublic: boolean;
  readonly isFeatured: boolean;
  readonly isExtractable: boolean;
  readonly bootable: boolean;
  readonly requiresHvm: boolean;
  readonly passwordEnabled: boolean;
  readonly sshKeyEnabled: boolean;
  readonly dynamicallyScalable: boolean;
  readonly bits: number;
  readonly arch?: string;
  readonly templateTag?: string;
  /** Details that are not secret. */
  readonly details: Readonly<Record<string, string>>;
}

/** How a registration ended. */
export interface RegistrationResult {
  readonly v: 1;
  readonly templateId: string;
  readonly outcome: 'active' | 'refused';
  /** Present when `outcome` is `refused`. */
  readonly refusal?: RegistrationRefusal;
}

/** Why a registration was refused. */
export interface RegistrationRefusal {
  readonly v: 1;
  /** It names no host. */
  readonly message: string;
  readonly apiCode: number;
  /** The host that probed the URL. */
  readonly hostName?: string;
  readonly hostId?: string;
  /** Names of the hosts that were to probe the URL and did not. */
  readonly tried?: readonly string[];
  readonly urls: readonly UrlReport[];
}

export interface CopyInput extends RunParameters<CopyTiming> {
  readonly v: 1;
  readonly templateId: string;
  readonly poolId: string;
  /** 1 goes before 5. */
  readonly priority?: number;
  /** State of the earlier run that this one continues. */
  readonly carried?: Carried;
}

/** The state that a deployment carries into the run that continues it. */
export interface Carried {
  readonly history: History;
  /** Number of downloads begun. */
  readonly attempts: number;
  /** Failure of the latest download. */
  readonly last?: Failure;
  readonly peerFailures?: PeerFailures;
}

/** The work of a deployment. */
export interface CopyPlan {
  readonly v: 1;
  /** The copy is ready: nothing is to be done. */
  readonly ready: boolean;
  /** UUID of the `template_spool_ref` row. */
  readonly copyId: string;
  readonly templateName: string;
  readonly poolName: string;
  readonly zoneId: string;
  readonly url: string;
  readonly format: TemplateFormat;
  readonly checksum?: string;
  /** Bytes of the file as registered. */
  readonly size: number;
  /** Bytes that the deployment may need on the pool; absent: `size`. */
  readonly planned?: number;
  /** In the order in which they are tried; empty: only `url`. */
  readonly mirrors: readonly Mirror[];
  /** The copy was published, and hashes of its pieces are known. */
  readonly healing?: Healing;
}

/** The result of a deployment that does not fail. */
export interface DeploymentResult {
  readonly v: 1;
  readonly outcome: 'ready' | 'cancelled';
  /** Host that downloaded the copy; absent when the copy was ready before. */
  readonly hostId?: string;
  readonly cancelledBy?: string;
}

/** Input of a removal. A deployment that is stopped with `remove` continues with it. */
export interface RemovalInput extends CopyInput {
  /** Requester, when no stop signal carries it. */
  readonly by?: string;
  /** Removes the copy only if nothing has used it for so long, unless somebody demands its removal meanwhile. */
  readonly idleSeconds?: number;
  /** The copy was wanted again after the stop. */
  readonly wanted?: boolean;
  /** Workflows to signal when the copy is removed. */
  readonly listeners?: readonly string[];
}

/** The result of a removal. */
export interface RemovalResult {
  readonly v: 1;
  /** Number of unlinked files. */
  readonly files: number;
  /** Virtual machines that stand on the copy: then it was not removed. */
  readonly users?: number;
}

/** Why a copy's workflow waits, as its memo and its current details show. */
export interface Wait {
  readonly v: 1;
  /** It may name hosts: for administrators. */
  readonly reason: string;
  /** The same for every user; absent: `reason` names no host. */
  readonly publicReason?: string;
  /** ISO time of the next try. */
  readonly until: string;
  /** A new request for the copy does not end the wait early. */
  readonly patient?: true;
}

/** The detail of a failed `download`, whose failure type is the `FailureKind`. */
export interface DownloadFailure {
  readonly v: 1;
  readonly failure: Failure;
  readonly hostId: string;
  readonly tries: readonly Try[];
  readonly pool?: PoolReport;
}

/** The detail of the CancelledFailure of a `download` that was stopped on request; its bytes stay. */
export interface DownloadStopped {
  readonly v: 1;
  readonly hostId: string;
  readonly tries: readonly Try[];
  readonly pool: PoolReport;
}

export interface DeletionInput extends RunParameters<DeletionTiming> {
  readonly v: 1;
  readonly templateId: string;
  readonly jobId: string;
  readonly userId: string;
  readonly accountId: string;
}

/** The result of a deletion. Its fields differ from those of a `RegistrationResult`, which has the same workflow id. */
export interface DeletionResult {
  readonly v: 1;
  readonly deleted: string;
}
