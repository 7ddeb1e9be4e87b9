/** Starts or joins the workflow that keeps the pools of a zone clean. */
import type { Client } from '@temporalio/client';
import { CONTROL_QUEUE, WANTED_SIGNAL, cleanupWorkflowId, workflowTypes } from '../model/names.ts';
import type { CleanupInput, CleanupResult } from '../model/pool-files.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { Orchestration } from './orchestration.ts';
import { zoneAttributes } from './search-attributes.ts';

type Cleanup = (input: CleanupInput) => Promise<CleanupResult>;

export const cleanupCalls = ({ workflow }: Client): Pick<Orchestration, 'requestCleanup'> => ({
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
