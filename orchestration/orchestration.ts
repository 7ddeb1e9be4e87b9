/** How the api and the control activities start, signal, query and stop workflows. */
import type { CertificateInput } from '../model/certificate-jobs.ts';
import type { DeletionInput, RegistrationInput } from '../model/payloads.ts';
import type { StopRequest } from '../model/run-messages.ts';
import type { SourceCheckResult } from '../model/source-check.ts';
import type { CopyTiming, ReportsTiming } from '../model/timing.ts';
import type { ConsoleLogAnswer } from '../model/vm-payloads.ts';
import type { RolloutTiming } from '../model/rollout.ts';
import type { VmTiming } from '../model/vm-timing.ts';
import type { LiveCopy, LiveRegistration } from './live.ts';
import type { RegistrationOutcome } from './start-registration.ts';

/** A copy: a template on a pool, by their UUIDs. */
export interface CopyId {
  readonly templateId: string;
  readonly poolId: string;
}

/** A published copy from which another host got wrong bytes, and the host that gave them. */
export interface DoubtedCopy extends CopyId {
  readonly hostId: string;
  readonly hostName: string;
}

/** Names for Temporal's lists of workflows. */
export interface CopyNames {
  readonly template: string;
  readonly pool: string;
}

export interface DeploymentOptions {
  readonly names?: CopyNames;
  /**
   * Jobs that wait for the copy already have asked for all that this one asks, so that its deployment needs no signal while it
   * works. Default false.
   */
  readonly awaited?: boolean;
  /** Id of a workflow to signal when the deployment has ended: a hint. */
  readonly listener?: string;
  /** 1 goes before 5; a deployment that runs takes it when it goes before its own. */
  readonly priority?: number;
}

export interface RemovalRequest {
  /** Name of the requester, for people. */
  readonly by: string;
  /**
   * Time of the request, by the database's clock. The copy is deployed again for jobs written after it. Without it, for no
   * job.
   */
  readonly at?: string;
  /** Whether the copy is deployed again after the removal, if this call begins it. */
  readonly again?: boolean;
  /** Id of a workflow to signal when the copy is removed. */
  readonly listener?: string;
}

export interface RolloutRequest {
  /** UUID of its job. */
  readonly jobId: string;
  readonly templateId: string;
  readonly templateName: string;
}

export interface Orchestration {
  /**
   * Starts a registration, or joins the running one, and waits `waitMs` milliseconds at most for its end. A call after the
   * end runs the registration again, which finds a completed one completed.
   */
  register(input: RegistrationInput, waitMs: number): Promise<RegistrationOutcome>;
  /**
   * Has a host probe the URL as a registration does, and records nothing.
   * @returns undefined when the probe takes longer than `waitMs`
   */
  checkSource(input: RegistrationInput, waitMs: number): Promise<SourceCheckResult | undefined>;
  /**
   * Makes sure that a deployment of the copy runs, or will run after the removal that runs now. Call it after the waiting
   * job is written: the deployment settles all jobs that wait at its end.
   */
  requestDeployment(copy: CopyId, options?: DeploymentOptions): Promise<void>;
  /** Stops the workflow of a copy. @returns when the run has accepted the request; false when none runs */
  requestStop(copy: CopyId, request: Omit<StopRequest, 'v'>): Promise<boolean>;
  /** Stops the deployment of a copy and removes the copy. Resolves when the run has accepted the request. */
  requestRemoval(copy: CopyId, request: RemovalRequest, names?: CopyNames): Promise<void>;
  /** The same without waiting for the run, for activities. */
  startRemoval(copy: CopyId, request: RemovalRequest, names?: CopyNames): Promise<void>;
  /** Stops the deployment of a copy if one runs, without waiting for the run, for activities. */
  signalStop(copy: CopyId, request: Omit<StopRequest, 'v'>): Promise<void>;
  /** Makes sure that the workflow of a roll-out runs, and looks at its rows after this call. */
  requestRollout(rollout: RolloutRequest): Promise<void>;
  /**
   * Removes a copy that nothing has used for so long, unless something uses it by then: decided when its removal begins. Does
   * nothing while a workflow works on the copy.
   * @param request.by why, as the end of the sentence `was removed from pool p for …`
   */
  startRetirement(
    copy: CopyId,
    request: { readonly by: string; readonly idleSeconds: number },
    names: CopyNames,
  ): Promise<void>;
  /** Has other hosts go on with what a host downloads of these copies. */
  handOver(copies: readonly CopyId[], hostId: string): Promise<void>;
  /** Makes sure that a host verifies a published copy anew. */
  requestVerification(doubted: DoubtedCopy): Promise<void>;
  /** Makes sure that a deletion of the template runs, or will run. It completes all jobs that wait for the deletion. */
  requestDeletion(input: DeletionInput, name?: string): Promise<void>;
  /** Makes sure that the workflow of a machine runs, or runs once more, and so sees the jobs that wait for the machine. */
  requestVm(vmId: string, name?: string): Promise<void>;
  /**
   * The end of a machine's console log.
   * @param bytes at most
   * @returns undefined when the host does not answer within `waitMs`
   */
  consoleLog(
    machine: { readonly vmId: string; readonly hostId: string },
    bytes: number,
    waitMs: number,
  ): Promise<ConsoleLogAnswer | undefined>;
  /** Makes sure that the current limits of a host are sent to it. */
  requestHostLimits(hostId: string, name?: string): Promise<void>;
  /**
   * Makes sure that the hosts of a zone are told by whom they are known, and whom they may let in, as the database says after
   * this call.
   */
  requestPeers(zoneId: string): Promise<void>;
  /** Makes sure that the copies of a zone are verified whose turn it is. */
  requestVerifications(zoneId: string): Promise<void>;
  /**
   * Makes sure that the hosts of a zone are asked for their reports, for as long as there is the zone.
   * @param instead times that replace the current ones
   */
  requestReports(
    zone: { readonly uuid: string; readonly name: string },
    instead: Partial<ReportsTiming>,
  ): Promise<void>;
  /** Makes sure that the cleanup of a zone runs, and sees the jobs that wait for it and the looks that are due. */
  requestCleanup(zoneId: string): Promise<void>;
  /**
   * Makes sure that the host's keystore is compared with the database after this call, and updated.
   * @param listener id of a workflow to signal afterwards
   */
  requestKeystore(hostId: string, name?: string, listener?: string): Promise<void>;
  /**
   * Has the keystores of these hosts updated after a certificate has changed.
   * @returns when all are updated, or after `waitMs`; the updates go on then
   */
  syncCertificate(
    certificate: Omit<CertificateInput, 'v'>,
    hostIds: readonly string[],
    waitMs: number,
  ): Promise<void>;
  /** The open workflows of these copies, by workflow id; a copy without one is absent. */
  live(copies: readonly CopyId[]): Promise<ReadonlyMap<string, LiveCopy>>;
  /** The running registration of a template; undefined when none runs. */
  registration(templateId: string): Promise<LiveRegistration | undefined>;
  /**
   * Signals deployments that the host worker was restarted: attempts of an earlier start are lost.
   * @param incarnation of the host's new start
   * @returns the number of deployments signalled
   */
  signalLostAttempts(hostId: string, incarnation: string, signal: AbortSignal): Promise<number>;
  /** Whether a workflow of this id is open. */
  isRunning(workflowId: string): Promise<boolean>;
  /** Time of the last heartbeat of each worker, by host id and worker; texts by the hosts' clocks, to compare for equality. */
  heartbeats(): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>;
  /** Signals deployments that another host may give them the copy now. */
  signalSourceFree(copies: readonly CopyId[]): Promise<void>;
  /** Tells workflows that a copy has the outcome for which they wait. @param listeners their ids; those that have ended are passed over */
  signalEnded(copy: CopyId, listeners: readonly string[]): Promise<void>;
  /** Starts the upkeep workflow, which watches hosts and repairs records, unless it runs. */
  ensureUpkeep(): Promise<void>;
}

export interface OrchestrationOptions {
  /** Times for the workflows of copies. Default: `CURRENT_TIMING`. */
  readonly timing?: Partial<CopyTiming>;
  /** Times for the workflows of machines. Default: `VM_TIMING`. */
  readonly vmTiming?: Partial<VmTiming>;
  /** Times for the workflows of roll-outs. Default: `ROLLOUT_TIMING`. */
  readonly rolloutTiming?: Partial<RolloutTiming>;
}
