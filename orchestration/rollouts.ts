/** Starts, or wakes, the workflow of a roll-out. */
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  TEMPLATE_MEMO,
  WANTED_SIGNAL,
  copyWorkflowId,
  rolloutWorkflowId,
} from '../model/names.ts';
import { workflowTypes } from '../model/names.ts';
import { ROLLOUT_TIMING } from '../model/rollout.ts';
import type { RolloutInput, RolloutResult } from '../model/rollout.ts';
import { summaryOf } from '../model/summary.ts';
import type { LiveCopy } from './live.ts';
import type { CopyId, Orchestration, OrchestrationOptions } from './orchestration.ts';
import { templateAttributes } from './search-attributes.ts';

type Rollout = (input: RolloutInput) => Promise<RolloutResult>;

export const rolloutCalls = (
  { workflow }: Client,
  { rolloutTiming }: OrchestrationOptions,
): Pick<Orchestration, 'requestRollout'> => ({
  async requestRollout({ jobId, templateId, templateName }) {
    await workflow.signalWithStart<Rollout>(workflowTypes.rollout, {
      taskQueue: CONTROL_QUEUE,
      workflowId: rolloutWorkflowId(jobId),
      args: [{ v: 1, jobId, timing: { ...ROLLOUT_TIMING, ...rolloutTiming } }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      typedSearchAttributes: templateAttributes(templateId),
      staticSummary: summaryOf(`Roll out ${templateName}`),
      memo: { [TEMPLATE_MEMO]: templateName },
    });
  },
});

/** Bytes that are there of each copy under way: those of its running download, or else those that lie on its pool. */
export const runningBytes = (
  copies: readonly (CopyId & { readonly keptBytes: number })[],
  live: ReadonlyMap<string, LiveCopy>,
): readonly number[] =>
  copies.map(
    ({ templateId, poolId, keptBytes }) =>
      live.get(copyWorkflowId(templateId, poolId))?.progress?.bytes || keptBytes,
  );
