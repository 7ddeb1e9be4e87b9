/** The control side of the deletion of a template. */
import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { findCopy } from '../db/copies.ts';
import { beginDeletion, copyExists, failDeletion, finishDeletion } from '../db/removals.ts';
import type { DoomedCopy } from '../db/removals.ts';
import type { CopyUuids } from '../db/jobs.ts';
import type { DeletionInput } from '../model/payloads.ts';
import { beating } from './context.ts';
import type { ControlDeps } from './control.ts';

export interface DeletionActivities {
  /** From here on the template is not to be had any more. @returns its copies */
  beginDeletion(
    templateId: string,
  ): Promise<{ readonly name: string; readonly copies: readonly DoomedCopy[] }>;
  /** Has a copy removed by its own workflow, and waits for it. Heartbeats. */
  removeCopy(copy: CopyUuids, by: string): Promise<void>;
  /** The copies are gone: the template's rows go, and those who wait are told. */
  finishDeletion(input: DeletionInput): Promise<void>;
  /** Those who wait are told why it failed. */
  failDeletion(templateId: string, text: string): Promise<void>;
}

export type { DoomedCopy } from '../db/removals.ts';

const PAUSE_MS = 1000;

export function createDeletionActivities({ db, orchestration }: ControlDeps): DeletionActivities {
  return {
    beginDeletion: (templateId) => beginDeletion(db, templateId),

    removeCopy: (copy, by) =>
      beating(null, async ({ signal }) => {
        const row = await findCopy(db, copy);
        const summary = row && `Remove ${row.templateName} from pool ${row.poolName}`;
        // A removal that somebody ends in Temporal's UI is asked for again.
        for (let pause = 0; await copyExists(db, copy); pause = PAUSE_MS) {
          await sleep(pause, undefined, { signal });
          await orchestration.requestRemoval(copy, by, undefined, summary);
          await orchestration.copyEnded(copy, signal);
        }
      }),

    finishDeletion: (input) => finishDeletion(db, input, activityInfo().workflowExecution?.workflowId ?? ''),
    failDeletion: (templateId, text) => failDeletion(db, templateId, text),
  };
}
