/** The control side of deployments and removals of one copy. */
import { activityInfo } from '@temporalio/activity';
import { openCopy } from '../db/copies.ts';
import type { CopyUuids, JobError } from '../db/jobs.ts';
import {
  cancelCopy,
  confirmCopy,
  failCopy,
  finishCopy,
  recordAttempt,
  settleStopped,
} from '../db/outcomes.ts';
import type { Attempt, Outcome } from '../db/outcomes.ts';
import { beginRemoval, finishRemoval } from '../db/removals.ts';
import { reserve } from '../db/reservations.ts';
import type { Room } from '../db/reservations.ts';
import type { CopyPlan, DownloadResult, RemoveResult } from '../model/payloads.ts';
import { requireSigned } from './control-answers.ts';
import type { ControlDeps } from './control.ts';

export type { Attempt } from '../db/outcomes.ts';
export type { JobError } from '../db/jobs.ts';

/** What ends, and by which name: it is told once, however often the activity runs. */
export interface Ending {
  readonly copy: CopyUuids;
  readonly outcomeId: string;
}

export interface CopyActivities {
  /** Makes the copy's row, and says what is to be done. */
  openCopy(copy: CopyUuids): Promise<CopyPlan>;
  /** Promises the copy its space on the pool, or says how much is missing. */
  reserveSpace(copyId: string, bytes: number): Promise<Room>;
  /** Writes a download that failed. */
  recordAttempt(copy: CopyUuids, attempt: Attempt): Promise<void>;
  /** The copy is there: its row says so, and those who wait are told. */
  finishCopy(ending: Ending, result: DownloadResult, attempt: Attempt): Promise<void>;
  /** The copy was there already: those who wait are told. */
  confirmCopy(ending: Ending): Promise<void>;
  /** The copy cannot be had: its row says why, and those who wait are told. */
  failCopy(ending: Ending, error: JobError): Promise<void>;
  /** The copy's row says by whom its deployment was stopped. */
  cancelCopy(ending: Ending, by: string): Promise<void>;
  /**
   * Tells those who waited when it was stopped (`StopRequest.at`).
   * @returns whether somebody waits who asked later
   */
  settleStopped(copy: CopyUuids, text: string, at?: string): Promise<boolean>;
  /** Marks the copy as being removed. @returns undefined when there is no such copy */
  beginRemoval(
    copy: CopyUuids,
  ): Promise<
    { readonly copyId: string; readonly templateName: string; readonly poolName: string } | undefined
  >;
  /** The files are gone, so is the row. */
  finishRemoval(ending: Ending, copyId: string, result: RemoveResult, by: string): Promise<void>;
}

const STOPPED_CODE = 530;

export function createCopyActivities({ db }: ControlDeps): CopyActivities {
  return {
    openCopy: (copy) => openCopy(db, copy, workflowId()),
    reserveSpace: (copyId, bytes) => reserve(db, copyId, bytes),
    recordAttempt: (copy, attempt) => recordAttempt(db, copy, attempt),
    async finishCopy(ending, result, attempt) {
      await requireSigned(db, ['download'], result);
      await finishCopy(db, outcome(ending), { result, attempt: { ...attempt, hostId: result.hostId } });
    },
    confirmCopy: (ending) => confirmCopy(db, outcome(ending)),
    failCopy: (ending, error) => failCopy(db, outcome(ending), error),
    cancelCopy: (ending, by) => cancelCopy(db, outcome(ending), by),
    settleStopped: (copy, text, at) => settleStopped(db, copy, { code: STOPPED_CODE, text }, at),
    beginRemoval: (copy) => beginRemoval(db, copy),
    async finishRemoval(ending, copyId, result, by) {
      await requireSigned(db, ['remove'], result);
      await finishRemoval(db, outcome(ending), { copyId, result, by });
    },
  };
}

const workflowId = (): string => activityInfo().workflowExecution?.workflowId ?? '';
const outcome = (ending: Ending): Outcome => ({ ...ending, workflowId: workflowId() });
