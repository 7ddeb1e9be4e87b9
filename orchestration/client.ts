/**
 * Implements `Orchestration` with a Temporal client. Ids, types and conflict policies of workflows are decided here and in the
 * files beside this one, nowhere else.
 *
 * Calls must be repeatable, since activities and API calls are. So each workflow has an id made from what it works on, and a
 * start uses `signalWithStart` or the policy USE_EXISTING: a second call joins the open workflow. What must never happen:
 * two workflows that do the same work at once, such as two downloads of one copy.
 */
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  UPKEEP_WORKFLOW_ID,
  WANTED_SIGNAL,
  limitsWorkflowId,
  templateWorkflowId,
  workflowTypes,
  HOST_MEMO,
  TEMPLATE_MEMO,
} from '../model/names.ts';
import type { DeletionInput, DeletionResult } from '../model/payloads.ts';
import { summaryOf } from '../model/summary.ts';
import { newRunParameters } from '../model/rules/released.ts';
import { hostAttributes, templateAttributes } from './search-attributes.ts';
import { certificateCalls } from './certificates.ts';
import { copyCalls } from './copies.ts';
import { describeCopies, describeRegistration } from './live.ts';
import { startRegistration } from './start-registration.ts';
import type { Orchestration, OrchestrationOptions } from './orchestration.ts';
import { rolloutCalls } from './rollouts.ts';
import { vmCalls } from './vms.ts';
import { isAbsent } from './workflow-status.ts';
import { checkSource } from './source-check.ts';
import { signalLostAttempts } from './lost-attempts.ts';
import { listHeartbeats } from './worker-heartbeats.ts';
import { zoneCalls } from './zones.ts';

type Deletion = (input: DeletionInput) => Promise<DeletionResult>;

export function createOrchestration(client: Client, options: OrchestrationOptions = {}): Orchestration {
  const { workflow } = client;
  return {
    register: (input, waitMs) => startRegistration(client, input, waitMs),

    ...copyCalls(client, options),

    async requestDeletion(request, name) {
      const { templateId } = request;
      const input = { ...request, ...newRunParameters('deletion') };
      await workflow.signalWithStart<Deletion, [DeletionInput]>(workflowTypes.deletion, {
        taskQueue: CONTROL_QUEUE,
        workflowId: templateWorkflowId(templateId),
        args: [input],
        signal: WANTED_SIGNAL,
        signalArgs: [input],
        typedSearchAttributes: templateAttributes(templateId),
        staticSummary: summaryOf(`Delete ${name ?? `template ${templateId}`}`),
        memo: name === undefined ? {} : { [TEMPLATE_MEMO]: name },
      });
    },

    async requestHostLimits(hostId, name = hostId) {
      await workflow.signalWithStart(workflowTypes.hostLimits, {
        taskQueue: CONTROL_QUEUE,
        workflowId: limitsWorkflowId(hostId),
        args: [{ v: 1, hostId, ...newRunParameters('limits') }],
        signal: WANTED_SIGNAL,
        signalArgs: [],
        typedSearchAttributes: hostAttributes(hostId),
        staticSummary: `Tell host ${name} its limits`,
        memo: { [HOST_MEMO]: name },
      });
    },

    ...certificateCalls(client),

    ...vmCalls(client, options),

    ...rolloutCalls(client, options),
    ...zoneCalls(client),

    live: (copies) => describeCopies(client, copies),

    checkSource: (input, waitMs) => checkSource(client, input, waitMs),

    registration: (templateId) => describeRegistration(client, templateId),

    signalLostAttempts: (hostId, incarnation, signal) =>
      signalLostAttempts(client, hostId, incarnation, signal),

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
        args: [{ v: 1, ...newRunParameters('upkeep') }],
        staticSummary: 'Watch hosts, and repair what a crash left behind',
      });
    },
  };
}
