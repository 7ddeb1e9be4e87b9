/**
 * What crosses a queue. Each is one object with `v: 1`; fields are only added, so that hosts one release older or
 * newer keep working. Nothing here is secret but `sealed`, a box that only the addressed host can open.
 */
import { canonicalJson } from './answer.ts';
import type { Proof } from './answer.ts';
import type { ImageEvidence } from './evidence.ts';
import type { HeldCertificate } from './certificate.ts';
import type { Failure } from './failures.ts';
import type { Mirror, UrlReport } from './source.ts';
import type { SourceTimeouts } from './source-rules.ts';
import type { PoolScope, PoolType, TemplateFormat } from './states.ts';
import type { CopyTiming, RegistrationTiming, UpkeepTiming } from './timing.ts';
import type { UrlPolicy } from './url-policy.ts';
import type { History } from './decisions.ts';

/** What a host answers; believed only with the proof that the host gave this answer to this call. */
export interface HostAnswer {
  readonly v: 1;
  readonly hostId: string;
  readonly proof?: Proof;
}

export interface ProbeJob {
  readonly v: 1;
  readonly templateId: string;
  readonly url: string;
  readonly format: TemplateFormat;
  readonly sealed?: string;
  /** Of the zone; it narrows that of the host. */
  readonly policy?: UrlPolicy;
  /** Of the zone, instead of the host's own. */
  readonly timeouts?: SourceTimeouts;
  /** Milliseconds that the probe may take; what has not answered by then is reported as such. */
  readonly budgetMs: number;
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
  readonly mirrors: readonly Mirror[];
  readonly format: TemplateFormat;
  readonly checksum?: string;
  /** Bytes of the file as registered; 0 when unknown. */
  readonly size: number;
  readonly sealed?: string;
  /** Of the zone; it narrows that of the host. */
  readonly policy?: UrlPolicy;
  /** Of the zone, instead of the host's own. */
  readonly timeouts?: SourceTimeouts;
  /** 1 goes before 5; equal ones by age. */
  readonly priority: number;
}

/** One mirror tried by one attempt; a row of `download_attempt`. */
export interface Try {
  readonly source: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Bytes fetched from the source, not counting those that were already here. */
  readonly bytes: number;
  readonly failure?: Failure;
  /** What was seen of an image that was refused. */
  readonly evidence?: ImageEvidence;
  /** Why it began anew although bytes were here, such as a file that changed at the source. */
  readonly note?: string;
}

export interface DownloadResult extends HostAnswer {
  /** Bytes of the published file. */
  readonly size: number;
  /** Bytes that it takes on disk. */
  readonly physicalSize: number;
  readonly virtualSize: number;
  /** Bytes fetched from sources by this attempt; 0 when the file was there already. */
  readonly fetched: number;
  /** Of the published file. */
  readonly sha256: string;
  /** Bytes of the file as transferred, which may be packed; absent when the image was there already. */
  readonly transferred?: number;
  /** What the inspection of the published file found. */
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
  /** How many files were unlinked (the published one and part files). */
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
  /** Bytes of the file system. */
  readonly capacity: number;
  /** Bytes that an ordinary process may still write. */
  readonly free: number;
  /** False when the marker is absent; then `problem` says so and sizes are 0. */
  readonly mounted: boolean;
  readonly problem?: string;
  /** What lies there of unfinished downloads: copy id → bytes on disk. `free` is what is left beside them. */
  readonly parts?: Readonly<Record<string, number>>;
}

export interface ProgramReport {
  readonly name: string;
  /** First line of what it says of its version; absent when it is not installed. */
  readonly version?: string;
  /** What the host cannot do without it. */
  readonly purpose: string;
}

/** Asks a host for its `HostReport`. */
export interface DescribeJob {
  readonly v: 1;
}

export interface HostReport extends HostAnswer {
  readonly version: string;
  readonly pools: readonly PoolReport[];
  readonly programs: readonly ProgramReport[];
  /** What its keystore holds; absent from hosts that have none yet. */
  readonly certificates?: readonly HeldCertificate[];
  /** Sentences about what is wrong, such as a configured pool that was never mounted, so that its id is not known. */
  readonly problems?: readonly string[];
  readonly limits?: LimitsReport;
}

/** How much a host may download, as it is set from outside. What is absent is as the host's own settings say. */
export interface HostLimits {
  /** A higher one is newer. */
  readonly revision: number;
  /** At a time. */
  readonly downloads?: number;
  /** Bytes per second; 0 for no limit. */
  readonly rate?: number;
}

/** What is in force on a host, by its own settings or by the limits of that revision; 0 when none were set. */
export type LimitsReport = Required<HostLimits>;

/** Asks a host to keep to limits from now on; it answers with its `HostReport`. */
export interface LimitsJob {
  readonly v: 1;
  readonly limits: HostLimits;
}

export interface HostLimitsInput {
  readonly v: 1;
  readonly hostId: string;
}

export interface HostLimitsResult {
  readonly v: 1;
  /** Whether the host has what is set. */
  readonly told: boolean;
}

export interface JoinRequest {
  readonly v: 1;
  /** When it was signed, by the host's clock, as ISO time: an old one is not accepted, and no one twice. */
  readonly at: string;
  readonly hostId: string;
  readonly name: string;
  readonly address: string;
  /** Names or ids; both must exist. */
  readonly zone: string;
  readonly cluster: string;
  /** Ed25519, raw, base64url. */
  readonly signingKey: string;
  /** X25519, raw, base64url. */
  readonly sealingKey: string;
  readonly invite?: {
    readonly id: string;
    /** HMAC-SHA-256 under the token's secret over the text that `joinText` makes: the token itself never travels. */
    readonly proof: string;
  };
  readonly report: HostReport;
  /** Ed25519 over the same text: the host holds the key it names. */
  readonly signature: string;
}

export interface JoinAnswer {
  readonly v: 1;
  readonly state: 'Enabled' | 'Disabled' | 'Maintenance';
  readonly zoneId: string;
  readonly clusterId: string;
  /** Its keystore does not hold what it is to hold: it takes no probe and no download before that. */
  readonly unsettled?: boolean;
  /** What to tell the operator. */
  readonly message: string;
  /** What is set for the host. */
  readonly limits?: HostLimits;
}

/** The text that a joining host signs and authenticates: all that it says, and when. */
export function joinText(request: Omit<JoinRequest, 'signature' | 'invite'>): string {
  const { signature: _signature, invite: _invite, ...said } = request as Partial<JoinRequest>;
  return canonicalJson(['bypass join 2', said]);
}

export interface RegistrationInput {
  readonly v: 1;
  readonly templateId: string;
  readonly accountId: string;
  readonly userId: string;
  readonly name: string;
  readonly displayText: string;
  readonly url: string;
  readonly format: TemplateFormat;
  readonly checksum?: string;
  /** UUIDs; `allZones` says that they stand for all there are (cross_zones). */
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
  /** `Secrets`, sealed with the master key. */
  readonly sealed?: string;
  /** Instead of the usual. */
  readonly timing?: Partial<RegistrationTiming>;
}

/** How a registration ended, for the caller who waits for it. Refused ones fail their workflow with it as detail. */
export type RegistrationResult = { readonly v: 1; readonly templateId: string };

/** Why a registration was refused; the detail of the `RegistrationRefused` failure. */
export interface RegistrationRefusal {
  readonly v: 1;
  readonly message: string;
  readonly apiCode: number;
  readonly hostName?: string;
  readonly urls: readonly UrlReport[];
}

export interface CopyInput {
  readonly v: 1;
  readonly templateId: string;
  readonly poolId: string;
  /** 1 goes before 5. */
  readonly priority?: number;
  /** Instead of the usual. */
  readonly timing?: Partial<CopyTiming>;
  /** What an earlier run of the same deployment has learnt, when it goes on as a new one. */
  readonly carried?: Carried;
}

/** What a deployment remembers of its downloads so far. */
export interface Carried {
  readonly history: History;
  /** How many were begun. */
  readonly attempts: number;
  /** Why the latest one failed. */
  readonly last?: Failure;
}

/** What a deployment is to do. */
export interface CopyPlan {
  readonly v: 1;
  /** The copy is there already. */
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
  /** In the order to try them; none: only `url`. */
  readonly mirrors: readonly Mirror[];
}

/** How a deployment ends when it does not fail. */
export interface DeploymentResult {
  readonly v: 1;
  readonly outcome: 'ready' | 'cancelled';
  /** Host that downloaded it; absent when it was there already. */
  readonly hostId?: string;
  readonly cancelledBy?: string;
}

/** A removal; what stops a deployment and removes the copy goes on as one. */
export interface RemovalInput extends CopyInput {
  /** Who asked, where no signal says so. */
  readonly by?: string;
  /** The copy was wanted again after that. */
  readonly wanted?: boolean;
}

/** How a removal ends. */
export interface RemovalResult {
  readonly v: 1;
  /** How many files were unlinked. */
  readonly files: number;
}

/** Signal to a deployment: stop, keeping the bytes or, with `remove`, going on as the removal of the copy. */
export interface StopRequest {
  readonly v: 1;
  /** Who asked, as a person reads it. */
  readonly by: string;
  readonly remove: boolean;
  /**
   * When, by the database's clock. Jobs that are younger are not stopped by it: they are served. Absent, every job that
   * waits is stopped.
   */
  readonly at?: string;
}

/** Why a copy's workflow waits, as its memo and its current details tell. */
export interface Wait {
  readonly v: 1;
  readonly reason: string;
  /** ISO time of the next try. */
  readonly until: string;
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

export interface DeletionInput {
  readonly v: 1;
  readonly templateId: string;
  readonly jobId: string;
  readonly userId: string;
  readonly accountId: string;
}

/** How a deletion ends. Told apart from a `RegistrationResult`, since both run under the same workflow id. */
export interface DeletionResult {
  readonly v: 1;
  readonly deleted: string;
}

export interface UpkeepInput {
  readonly v: 1;
  /** Instead of the usual. */
  readonly timing?: Partial<UpkeepTiming>;
}
