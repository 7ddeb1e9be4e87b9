/** How the api and the control activities start, ask and stop workflows: one place for ids, types and policies. */
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  STOP_SIGNAL,
  UPKEEP_WORKFLOW_ID,
  WANTED_SIGNAL,
  copyWorkflowId,
  limitsWorkflowId,
  templateWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import type { CertificateInput, KeystoreOutcome } from '../model/certificate-jobs.ts';
import type {
  CopyInput,
  DeletionInput,
  DeletionResult,
  RegistrationInput,
  StopRequest,
} from '../model/payloads.ts';
import type { CopyTiming } from '../model/timing.ts';
import { copyAttributes, templateAttributes } from './attributes.ts';
import { certificateCalls } from './certificates.ts';
import { describeCopies, describeRegistration } from './live.ts';
import type { LiveCopy, LiveRegistration } from './live.ts';
import { startRegistration } from './register.ts';
import type { RegistrationOutcome } from './register.ts';
import { ended, isAbsent } from './runs.ts';
import { listHeartbeats } from './workers.ts';

export type { LiveCopy, LiveRegistration } from './live.ts';
export type { RegistrationOutcome } from './register.ts';

/** One template on one pool, by their UUIDs. */
export interface CopyId {
  readonly templateId: string;
  readonly poolId: string;
}

export interface Orchestration {
  /**
   * Starts a registration, or joins the one that runs, and waits for it, at most so long. The same call again after
   * its end checks anew, and finds it done where it is.
   */
  register(input: RegistrationInput, waitMs: number): Promise<RegistrationOutcome>;
  /**
   * Makes sure that a deployment of the copy runs, or will run when the removal is over. Call it when the job that
   * waits is written: whatever waits when the deployment ends is settled.
   * @param summary what Temporal's UI shows beside the workflow
   */
  requestDeployment(copy: CopyId, summary?: string): Promise<void>;
  /** @returns false when nothing runs */
  requestStop(copy: CopyId, request: Omit<StopRequest, 'v'>): Promise<boolean>;
  /**
   * Stops what runs for the copy and removes it.
   * @param by who asked, as a person reads it
   * @param at when, by the database's clock: who waits since then gets the copy anew; absent, nobody does
   */
  requestRemoval(copy: CopyId, by: string, at?: string, summary?: string): Promise<void>;
  /** Waits until whatever runs for the copy has ended; how it ended is not told. */
  copyEnded(copy: CopyId, signal?: AbortSignal): Promise<void>;
  /** Makes sure that a deletion of the template runs; it completes every job that waits for one. */
  requestDeletion(input: DeletionInput, summary?: string): Promise<void>;
  /** Makes sure that a host hears of the limits that are set for it now. */
  requestHostLimits(hostId: string, name?: string): Promise<void>;
  /** Makes sure that the host's keystore is brought to what it is to hold, also by what was written just now. */
  requestKeystore(hostId: string, name?: string): Promise<void>;
  /** The same, and waits until that is done. */
  settleKeystore(hostId: string, signal: AbortSignal): Promise<KeystoreOutcome>;
  /**
   * Has the keystores of these hosts brought to what they are to hold, on behalf of a certificate.
   * @returns once it is done, or when the caller has no more patience; it goes on
   */
  syncCertificate(
    certificate: Omit<CertificateInput, 'v'>,
    hostIds: readonly string[],
    waitMs: number,
  ): Promise<void>;
  /** What runs now for these copies, by workflow id; absent where nothing does. */
  live(copies: readonly CopyId[]): Promise<ReadonlyMap<string, LiveCopy>>;
  /** The registration of a template that runs now; undefined where none does. */
  registration(templateId: string): Promise<LiveRegistration | undefined>;
  /** Whether a workflow of this id is open. */
  isRunning(workflowId: string): Promise<boolean>;
  /** When each worker of each host was last heard of, by host id and worker, in words of the hosts' clocks. */
  heartbeats(): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>;
  /** Starts the workflow that watches hosts and repairs, unless it runs. */
  ensureUpkeep(): Promise<void>;
}

export interface OrchestrationOptions {
  /** For the workflows of copies, instead of the usual. */
  readonly timing?: Partial<CopyTiming>;
}

export function createOrchestration(client: Client, options: OrchestrationOptions = {}): Orchestration {
  const { workflow } = client;
  const inputFor = ({ templateId, poolId }: CopyId): CopyInput => ({
    v: 1,
    templateId,
    poolId,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  });

  const signalCopy = async (
    copy: CopyId,
    start: { readonly type: string; readonly args: readonly unknown[]; readonly summary: string },
    signal: { readonly name: string; readonly args: readonly unknown[] },
  ): Promise<void> => {
    await workflow.signalWithStart(start.type, {
      taskQueue: CONTROL_QUEUE,
      workflowId: copyWorkflowId(copy.templateId, copy.poolId),
      args: [...start.args],
      signal: signal.name,
      signalArgs: [...signal.args],
      typedSearchAttributes: copyAttributes(copy),
      staticSummary: start.summary,
    });
  };

  return {
    register: (input, waitMs) => startRegistration(client, input, waitMs),

    requestDeployment(copy, summary) {
      const { templateId, poolId } = copy;
      const shown = summary ?? `Deploy template ${templateId} to pool ${poolId}`;
      return signalCopy(
        copy,
        { type: workflowTypes.deployment, args: [inputFor(copy)], summary: shown },
        { name: WANTED_SIGNAL, args: [] },
      );
    },

    async requestStop({ templateId, poolId }, stop) {
      const request: StopRequest = { v: 1, ...stop };
      try {
        await workflow.getHandle(copyWorkflowId(templateId, poolId)).signal(STOP_SIGNAL, request);
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    },

    requestRemoval(copy, by, at, summary) {
      const { templateId, poolId } = copy;
      const request: StopRequest = { v: 1, by, remove: true, ...(at === undefined ? {} : { at }) };
      return signalCopy(
        copy,
        {
          type: workflowTypes.removal,
          args: [inputFor(copy)],
          summary: summary ?? `Remove template ${templateId} from pool ${poolId}`,
        },
        { name: STOP_SIGNAL, args: [request] },
      );
    },

    async copyEnded({ templateId, poolId }, signal) {
      await ended(client, copyWorkflowId(templateId, poolId), signal);
    },

    async requestDeletion(input, summary) {
      const { templateId } = input;
      for (;;) {
        const handle = await workflow.signalWithStart<(input: DeletionInput) => Promise<DeletionResult>>(
          workflowTypes.deletion,
          {
            taskQueue: CONTROL_QUEUE,
            workflowId: templateWorkflowId(templateId),
            args: [input],
            signal: WANTED_SIGNAL,
            signalArgs: [],
            typedSearchAttributes: templateAttributes(templateId),
            staticSummary: summary ?? `Delete template ${templateId}`,
          },
        );
        const { type } = await workflow.getHandle(handle.workflowId, handle.signaledRunId).describe();
        if (type === workflowTypes.deletion) return;
        // Its registration still runs under the same id; that takes seconds.
        await ended(client, handle.workflowId);
      }
    },

    async requestHostLimits(hostId, name = hostId) {
      await workflow.signalWithStart(workflowTypes.hostLimits, {
        taskQueue: CONTROL_QUEUE,
        workflowId: limitsWorkflowId(hostId),
        args: [{ v: 1, hostId }],
        signal: WANTED_SIGNAL,
        signalArgs: [],
        staticSummary: `Tell host ${name} its limits`,
      });
    },

    ...certificateCalls(client),

    live: (copies) => describeCopies(client, copies),

    registration: (templateId) => describeRegistration(client, templateId),

    heartbeats: () => listHeartbeats(client),

    async isRunning(workflowId) {
      try {
        const { status } = await workflow.getHandle(workflowId).describe();
        return status.name === 'RUNNING' || status.name === 'PAUSED';
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    },

    async ensureUpkeep() {
      await workflow.start(workflowTypes.upkeep, {
        taskQueue: CONTROL_QUEUE,
        workflowId: UPKEEP_WORKFLOW_ID,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ v: 1 }],
        staticSummary: 'Watch hosts, and repair what a crash left behind',
      });
    },
  };
}
