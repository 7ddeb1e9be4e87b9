/** The control side of deployments and removals of one copy. */
import { log } from '@temporalio/activity';
import { openCopy } from '../../db/copies/copies.ts';
import type { CopyUuids, JobError } from '../../db/jobs/jobs.ts';
import {
  cancelCopy,
  confirmCopy,
  failCopy,
  finishCopy,
  recordAttempt,
  settleStopped,
} from '../../db/copies/outcomes.ts';
import type { Attempt, Outcome } from '../../db/copies/outcomes.ts';
import { beginRemoval, finishRemoval } from '../../db/copies/removals.ts';
import type { RemovalBegun } from '../../db/copies/removals.ts';
import { reserve } from '../../db/copies/reservations.ts';
import { HearsayRefused } from '../../db/spread/lineages.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { receivedResult } from '../../model/answer.ts';
import type { HostCall } from '../../model/answer.ts';
import { withClass } from '../../model/failures.ts';
import type { CopyPlan, DownloadFailure, DownloadResult, RemoveResult } from '../../model/payloads.ts';
import type { Room } from '../../model/space.ts';
import { applicationFailure, workflowId } from '../context.ts';
import { acceptResult, readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';
import { countTries } from './counted-tries.ts';
import { gatherEnds } from './gathered-ends.ts';
import type { GoOn } from './gathered-ends.ts';
import { goOnWithRollout } from './rollouts.ts';
import { wakeWaiting } from './source-hints.ts';

export type { Attempt } from '../../db/copies/outcomes.ts';
export type { RemovalBegun } from '../../db/copies/removals.ts';
export type { JobError } from '../../db/jobs/jobs.ts';

/** What ended, and a unique id of that end: however often the activity runs, the outcome is recorded once. */
export interface Ending {
  readonly copy: CopyUuids;
  readonly outcomeId: string;
}

/** Workflows that were told that a copy is there, or will be in a moment. */
export interface Told {
  readonly told: readonly string[];
}

export interface CopyActivities {
  /** Inserts or finds the copy's row, and plans the deployment. */
  openCopy(copy: CopyUuids): Promise<CopyPlan>;
  /** Reserves space on the pool for the copy, or reports how much is missing. @param bytes that the deployment needs */
  reserveSpace(copyId: string, bytes: number): Promise<Room>;
  /** Records an attempt that failed or was cancelled. */
  recordAttempt(copy: CopyUuids, attempt: Attempt): Promise<void>;
  /**
   * Records a finished copy, and completes the jobs that wait for it.
   * @param call whose result this is, to be verified as such; absent where `acceptAnswer` has done so
   * @param listeners workflows to tell of a copy that is there
   * @returns why the image was not accepted, and the jobs failed instead; or which listeners were told
   * @throws ApplicationFailure as `acceptAnswer` does; PeerWrong or PeerUnreachable when other hosts passed on what it is, and it
   * is not right, or nobody can tell: then the attempt has failed, and its image is to be removed
   */
  finishCopy(
    ending: Ending,
    result: DownloadResult,
    attempt: Attempt,
    call?: HostCall,
    listeners?: readonly string[],
  ): Promise<JobError | Told | undefined>;
  /** Completes the jobs that wait for a copy that was ready before. */
  confirmCopy(ending: Ending): Promise<void>;
  /** Records why a deployment failed, and fails the jobs that wait for it. */
  failCopy(ending: Ending, error: JobError): Promise<void>;
  /** Records who stopped a deployment. */
  cancelCopy(ending: Ending, by: string): Promise<void>;
  /**
   * Fails the jobs that waited when the stop was requested.
   * @param at `StopRequest.at`
   * @returns whether younger jobs wait
   */
  settleStopped(copy: CopyUuids, text: string, at?: string): Promise<boolean>;
  /**
   * Marks the copy as being removed, unless virtual machines use it.
   * @param idleSeconds only if nothing has used it for so long
   * @returns undefined when there is no such copy
   */
  beginRemoval(copy: CopyUuids, idleSeconds?: number): Promise<RemovalBegun | undefined>;
  /** Removes the row of a copy whose files are removed. */
  finishRemoval(ending: Ending, copyId: string, result: RemoveResult, by: string): Promise<void>;
}

export function createCopyActivities({ db, protocols, orchestration }: ControlDeps): CopyActivities {
  const goOn: GoOn = (jobId, copy) => goOnWithRollout({ db, orchestration }, jobId, copy);
  const ends = gatherEnds(orchestration, goOn, (error) =>
    log.warn('a roll-out did not go on when copies of it had ended; it looks by itself', { error }),
  );
  /** Whom it cannot tell, the workflow does. */
  const tell = async (copy: CopyUuids, listeners: readonly string[]): Promise<Told | undefined> => {
    if (listeners.length === 0) return undefined;
    try {
      await ends.tell(copy, listeners);
      return { told: listeners };
    } catch (error) {
      log.warn('workflows that wait for a copy were not told that it is there; its own workflow does so', {
        error,
      });
      return undefined;
    }
  };
  return {
    openCopy: (copy) => openCopy(db, copy, workflowId(), protocols),
    reserveSpace: (copyId, bytes) => reserve(db, copyId, bytes),
    async recordAttempt(copy, attempt) {
      const { tries, wrong } = await recordAttempt(db, copy, attempt);
      countTries(tries);
      await wakeWaiting({ db, orchestration }, copy);
      for (const { templateId, poolId, hostId, hostName } of wrong)
        await orchestration.requestVerification({ templateId, poolId, hostId, hostName });
    },
    async finishCopy(ending, answer, attempt, call, listeners = []) {
      const result =
        call === undefined
          ? await readSigned(db, ['download'], answer)
          : (await acceptResult(db, 'download', receivedResult(call, answer))).result;
      const done = { result, attempt: { ...attempt, hostId: result.hostId } };
      const { refused, tries } = await finishCopy(db, withWorkflow(ending), done).catch((error: unknown) => {
        throw error instanceof HearsayRefused ? hearsayFailure(error, result) : error;
      });
      countTries(tries);
      await wakeWaiting({ db, orchestration }, ending.copy);
      return refused ?? tell(ending.copy, listeners);
    },
    confirmCopy: (ending) => confirmCopy(db, withWorkflow(ending)),
    failCopy: (ending, error) => failCopy(db, withWorkflow(ending), error),
    cancelCopy: (ending, by) => cancelCopy(db, withWorkflow(ending), by),
    settleStopped: (copy, text, at) =>
      settleStopped(db, copy, { code: apiCodes.internal, text, kind: 'Cancelled' }, at),
    beginRemoval: (copy, idleSeconds) => beginRemoval(db, copy, idleSeconds),
    async finishRemoval(ending, copyId, answer, by) {
      const result = await readSigned(db, ['remove'], answer);
      await finishRemoval(db, withWorkflow(ending), { copyId, result, by });
    },
  };
}

/** As the host would report it. */
function hearsayFailure({ kind, message }: HearsayRefused, { hostId, tries, pool }: DownloadResult): Error {
  const last = tries.at(-1);
  const failure = { kind, message, ...(last === undefined ? {} : { url: last.source }) };
  const failed = last === undefined ? [] : [{ ...last, failure: withClass(failure) }];
  const detail: DownloadFailure = {
    v: 1,
    failure: withClass(failure),
    hostId,
    tries: [...tries.slice(0, -1), ...failed],
    pool,
  };
  return applicationFailure(failure, detail);
}

const withWorkflow = (ending: Ending): Outcome => ({ ...ending, workflowId: workflowId() });
