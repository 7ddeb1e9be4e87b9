/** Starts or joins the workflows that look after the pools of a zone. */
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  WANTED_SIGNAL,
  cleanupWorkflowId,
  verificationsWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import type { CleanupInput, CleanupResult } from '../model/pool-files.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { VerificationsInput, VerificationsResult } from '../model/verification.ts';
import type { Orchestration } from './orchestration.ts';
import { zoneAttributes } from './search-attributes.ts';

type Verifications = (input: VerificationsInput) => Promise<VerificationsResult>;
type Cleanup = (input: CleanupInput) => Promise<CleanupResult>;

export const cleanupCalls = ({
  workflow,
}: Client): Pick<Orchestration, 'requestCleanup' | 'requestVerifications'> => ({
  async requestVerifications(zoneId) {
    await workflow.signalWithStart<Verifications>(workflowTypes.verifications, {
      taskQueue: CONTROL_QUEUE,
      workflowId: verificationsWorkflowId(zoneId),
      args: [{ v: 1, zoneId, ...newRunParameters('verifications') }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      typedSearchAttributes: zoneAttributes(zoneId),
      staticSummary: 'Verify copies whose turn it is',
    });
  },

  async requestCleanup(zoneId) {
    await workflow.signalWithStart<Cleanup>(workflowTypes.cleanup, {
      taskQueue: CONTROL_QUEUE,
      workflowId: cleanupWorkflowId(zoneId),
      args: [{ v: 1, zoneId, ...newRunParameters('cleanup') }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      typedSearchAttributes: zoneAttributes(zoneId),
      staticSummary: 'Compare the storage pools of a zone with the database',
    });
  },
});
