/** Starts or joins the workflows of a zone. */
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  WANTED_SIGNAL,
  cleanupWorkflowId,
  peersWorkflowId,
  reportsWorkflowId,
  verificationsWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { HostReportsInput } from '../model/upkeep.ts';
import { summaryOf } from '../model/summary.ts';
import type { Orchestration } from './orchestration.ts';
import { zoneAttributes } from './search-attributes.ts';

type Type = 'peers' | 'cleanup' | 'verifications';

export function zoneCalls({
  workflow,
}: Client): Pick<
  Orchestration,
  'requestPeers' | 'requestCleanup' | 'requestVerifications' | 'requestReports'
> {
  const request =
    (type: Type, idOf: (zoneId: string) => string, staticSummary: string) =>
    async (zoneId: string): Promise<void> => {
      await workflow.signalWithStart(workflowTypes[type], {
        taskQueue: CONTROL_QUEUE,
        workflowId: idOf(zoneId),
        args: [{ v: 1, zoneId, ...newRunParameters(type) }],
        signal: WANTED_SIGNAL,
        signalArgs: [],
        typedSearchAttributes: zoneAttributes(zoneId),
        staticSummary,
      });
    };
  return {
    requestPeers: request(
      'peers',
      peersWorkflowId,
      'Send the hosts of a zone their certificates, and the list of hosts that they may let in',
    ),
    requestCleanup: request(
      'cleanup',
      cleanupWorkflowId,
      'Compare the storage pools of a zone with the database',
    ),
    requestVerifications: request('verifications', verificationsWorkflowId, 'Verify copies whose turn it is'),

    async requestReports({ uuid: zoneId, name }, instead) {
      const input: HostReportsInput = { v: 1, zoneId, instead, ...newRunParameters('reports', instead) };
      await workflow.start(workflowTypes.hostReports, {
        taskQueue: CONTROL_QUEUE,
        workflowId: reportsWorkflowId(zoneId),
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [input],
        typedSearchAttributes: zoneAttributes(zoneId),
        staticSummary: summaryOf(`Ask the hosts of zone ${name} for their reports`),
      });
    },
  };
}
