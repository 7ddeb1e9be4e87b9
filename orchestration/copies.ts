/** Starts, joins and stops the workflow of a copy: its deployment or its removal. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
import {
  CONTROL_QUEUE,
  ENDED_SIGNAL,
  HAND_OVER_SIGNAL,
  POOL_MEMO,
  SOURCE_FREE_SIGNAL,
  STOP,
  TEMPLATE_MEMO,
  WANTED_SIGNAL,
  copyWorkflowId,
  verificationWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import { summaryOf } from '../model/summary.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { CopyInput, DeploymentResult, RemovalInput, RemovalResult } from '../model/payloads.ts';
import type { EndedNotice, HandOverRequest, StopRequest, WantedRequest } from '../model/run-messages.ts';
import { copyAttributes } from './search-attributes.ts';
import type {
  CopyId,
  CopyNames,
  Orchestration,
  OrchestrationOptions,
  RemovalRequest,
} from './orchestration.ts';
import { describeCopies } from './live.ts';
import { isAbsent } from './workflow-status.ts';

/** Milliseconds for a run to accept a stop, which it does in its next workflow task, on any control worker. */
const ACCEPT_MS = 20_000;

const SIGNALS_AT_ONCE = 16;

const startFor = (copy: CopyId, names: CopyNames | undefined, verb: string, to: string) => {
  const { templateId, poolId } = copy;
  const { template = `template ${templateId}`, pool = poolId } = names ?? {};
  return {
    taskQueue: CONTROL_QUEUE,
    workflowId: copyWorkflowId(templateId, poolId),
    typedSearchAttributes: copyAttributes(copy),
    memo: names === undefined ? {} : { [TEMPLATE_MEMO]: names.template, [POOL_MEMO]: names.pool },
    staticSummary: summaryOf(`${verb} ${template} ${to} pool ${pool}`),
  };
};

const stopFor = ({ again: _again, ...removal }: RemovalRequest): StopRequest => ({
  v: 1,
  remove: true,
  ...removal,
});

type Deployment = (input: CopyInput) => Promise<DeploymentResult>;
type Removal = (input: RemovalInput) => Promise<RemovalResult>;

export function copyCalls(
  client: Client,
  { timing }: OrchestrationOptions,
): Pick<
  Orchestration,
  | 'requestDeployment'
  | 'requestStop'
  | 'signalStop'
  | 'requestRemoval'
  | 'startRemoval'
  | 'startRetirement'
  | 'requestVerification'
  | 'signalSourceFree'
  | 'signalEnded'
  | 'handOver'
> {
  const { workflow } = client;
  const inputFor = ({ templateId, poolId }: CopyId): CopyInput => ({
    v: 1,
    templateId,
    poolId,
    ...newRunParameters('copy', timing),
  });
  const removalOf = (copy: CopyId, { by, again }: RemovalRequest, names?: CopyNames) => ({
    ...startFor(copy, names, 'Remove', 'from'),
    args: [{ ...inputFor(copy), by, ...(again === true ? { wanted: true } : {}) }] as [RemovalInput],
  });

  /** Temporal accepts 10,000 signals for a run, so a signal that would change nothing is not sent. */
  const needsSignal = async (copy: CopyId): Promise<boolean> => {
    const { templateId, poolId } = copy;
    const live = (await describeCopies(client, [copy])).get(copyWorkflowId(templateId, poolId));
    return live === undefined || !(live.busy === true || live.wait?.patient === true);
  };

  const signalIfRunning = async (
    { templateId, poolId }: CopyId,
    name: string,
    ...args: readonly object[]
  ): Promise<void> => {
    try {
      await workflow.getHandle(copyWorkflowId(templateId, poolId)).signal(name, ...args);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  };

  return {
    async requestDeployment(copy, { names, awaited = false, listener, priority } = {}) {
      if (awaited && !(await needsSignal(copy))) return;
      const request: WantedRequest = {
        v: 1,
        ...(listener === undefined ? {} : { listener }),
        ...(priority === undefined ? {} : { priority }),
      };
      await workflow.signalWithStart<Deployment, [WantedRequest?]>(workflowTypes.deployment, {
        ...startFor(copy, names, 'Deploy', 'to'),
        args: [{ ...inputFor(copy), ...(priority === undefined ? {} : { priority }) }],
        signal: WANTED_SIGNAL,
        signalArgs: Object.keys(request).length === 1 ? [] : [request],
      });
    },

    async requestStop({ templateId, poolId }, stop) {
      const request: StopRequest = { v: 1, ...stop };
      const handle = workflow.getHandle(copyWorkflowId(templateId, poolId));
      try {
        await client.withDeadline(Date.now() + ACCEPT_MS, () =>
          handle.startUpdate(STOP, { waitForStage: 'ACCEPTED', args: [request] }),
        );
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    },

    signalStop: (copy, request) => signalIfRunning(copy, STOP, { v: 1, ...request }),

    async requestRemoval(copy, removal, names) {
      const start = new WithStartWorkflowOperation<Removal>(workflowTypes.removal, {
        ...removalOf(copy, removal, names),
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      await client.withDeadline(Date.now() + ACCEPT_MS, () =>
        workflow.startUpdateWithStart(STOP, {
          startWorkflowOperation: start,
          waitForStage: 'ACCEPTED',
          args: [stopFor(removal)],
        }),
      );
    },

    async startRemoval(copy, removal, names) {
      await workflow.signalWithStart<Removal, [StopRequest]>(workflowTypes.removal, {
        ...removalOf(copy, removal, names),
        signal: STOP,
        signalArgs: [stopFor(removal)],
      });
    },

    async startRetirement(copy, { by, idleSeconds }, names) {
      await workflow.start<Removal>(workflowTypes.removal, {
        ...removalOf(copy, { by }, names),
        args: [{ ...inputFor(copy), by, idleSeconds }],
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    },

    async signalSourceFree(copies) {
      await Promise.all(copies.map((copy) => signalIfRunning(copy, SOURCE_FREE_SIGNAL)));
    },

    async signalEnded(copy, listeners) {
      const notice: EndedNotice = { v: 1, workflowId: copyWorkflowId(copy.templateId, copy.poolId) };
      await Promise.all(
        listeners.map(async (id) => {
          try {
            await workflow.getHandle(id).signal(ENDED_SIGNAL, notice);
          } catch (error) {
            if (!isAbsent(error)) throw error;
          }
        }),
      );
    },

    async handOver(copies, hostId) {
      const request: HandOverRequest = { v: 1, hostId };
      await pLimit(SIGNALS_AT_ONCE).map(copies, (copy) => signalIfRunning(copy, HAND_OVER_SIGNAL, request));
    },

    async requestVerification(doubted) {
      const { templateId, poolId, hostName } = doubted;
      await workflow.start(workflowTypes.verification, {
        taskQueue: CONTROL_QUEUE,
        workflowId: verificationWorkflowId(templateId, poolId),
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ v: 1, ...doubted, ...newRunParameters('verification') }],
        typedSearchAttributes: copyAttributes(doubted),
        staticSummary: summaryOf(`Verify a copy on host ${hostName} anew`),
      });
    },
  };
}
