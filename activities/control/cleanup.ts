/** The control side of cleaning pools. */
import pLimit from 'p-limit';
import { idleCopies, noteIdle } from '../../db/copies/idle.ts';
import type { IdleCopy } from '../../db/copies/idle.ts';
import { recordEvent } from '../../db/events/events.ts';
import { completeJob } from '../../db/jobs/jobs.ts';
import { failJobsOfRemovedPools, nextCleanup, zonesToClean } from '../../db/pools/cleanup.ts';
import type { CleanupWork } from '../../db/pools/cleanup.ts';
import { endLook, filesToRemove, forgetFiles, listPoolFiles, recordFiles } from '../../db/pools/files.ts';
import type { FoundFile, Look } from '../../db/pools/files.ts';
import { recordPool } from '../../db/pools/pools.ts';
import type { Place } from '../../db/zones/zones.ts';
import { configurationOfPool } from '../../db/zones/configurations.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { cleanupRulesOf } from '../../model/configurations.ts';
import { MAX_FILES_TOLD } from '../../model/pool-files.ts';
import type {
  KeptFile,
  ListedFile,
  ListPoolFilesResult,
  RemovePoolFilesResult,
} from '../../model/pool-files.ts';
import { workflowId } from '../context.ts';
import { readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';

export type { CleanupWork } from '../../db/pools/cleanup.ts';
export type { IdleCopy } from '../../db/copies/idle.ts';
export type { FoundFile } from '../../db/pools/files.ts';

export interface IdleChoice {
  readonly copies: readonly IdleCopy[];
  /** Whether the zone has such copies removed. */
  readonly areRemoved: boolean;
  /** How many more there are, for a later look. Absent in what 0.2.0 recorded. */
  readonly more?: number;
}

/** What a look has found and done. */
export interface LookOutcome extends Look {
  readonly poolName: string;
  readonly jobId?: string;
  readonly dryRun: boolean;
  /** The first `MAX_FILES_TOLD` of them, and how many more there are; 0.2.0 named all. */
  readonly leftovers: readonly FoundFile[];
  readonly moreLeftovers?: number;
  /** Names of those of them that were removed, and the number of all that were. */
  readonly removed: readonly string[];
  readonly removedFiles?: number;
  readonly kept: readonly KeptFile[];
  readonly copies: readonly IdleCopy[];
  /** How many more there are. Absent in runs of 0.2.0. */
  readonly moreCopies?: number;
  /** Why they stay; absent when they go, or would. */
  readonly copiesStay?: string;
}

export interface FileRemoval {
  readonly poolId: string;
  readonly poolName: string;
  readonly jobId: string;
  readonly removed: readonly string[];
  readonly kept: readonly KeptFile[];
}

export interface CleanupActivities {
  /** The next pool of the zone to work on, and what is to be done with it. */
  nextCleanup(zoneId: string): Promise<CleanupWork | undefined>;
  /** Compares what a host has listed with the rows, and notes what no row needs. @returns the leftovers */
  recordPoolFiles(look: Look, listed: ListPoolFilesResult): Promise<readonly FoundFile[]>;
  /**
   * Copies that nothing has used for as long as the zone says, where they are removed or shown. Notes which are unused, unless
   * it is a dry run.
   * @param isShown whether a job waits for the answer. Default true
   */
  chooseIdleCopies(poolId: string, dryRun: boolean, isShown?: boolean): Promise<IdleChoice>;
  /** Starts the removals of unused copies; each removal looks once more whether it may. */
  retireCopies(copies: readonly IdleCopy[]): Promise<void>;
  /** Records a look, and ends its job. */
  endLook(outcome: LookOutcome): Promise<void>;
  /** Which of the files that somebody named may go. */
  planFileRemoval(
    poolId: string,
    chosen: readonly ListedFile[],
  ): Promise<{ readonly files: readonly ListedFile[]; readonly kept: readonly KeptFile[] }>;
  /** Records what a host has removed. */
  recordRemovedFiles(poolId: string, result: RemovePoolFilesResult): Promise<void>;
  /** Ends the job about files that somebody named. */
  endFileRemoval(removal: FileRemoval): Promise<void>;
  /** Ends a job that cannot be done. */
  failCleanup(jobId: string, text: string): Promise<void>;
}

export function createCleanupActivities(deps: ControlDeps): CleanupActivities {
  const { db, orchestration } = deps;
  return {
    nextCleanup: (zoneId) => nextCleanup(db, zoneId),

    async recordPoolFiles(look, listed) {
      const { files } = await readSigned(db, ['listPoolFiles'], listed);
      return recordFiles(db, look, files);
    },

    async chooseIdleCopies(poolId, dryRun, isShown = true) {
      const { copies: areRemoved, delay } = cleanupRulesOf(await configurationOfPool(db, poolId));
      if (!dryRun) await noteIdle(db, poolId);
      // Hosts are asked about each of them, which reads all of the pool.
      if (!areRemoved && !isShown) return { copies: [], areRemoved };
      return { ...(await idleCopies(db, poolId, delay, MAX_FILES_TOLD)), areRemoved };
    },

    async retireCopies(copies) {
      const [first] = copies;
      if (first === undefined) return;
      const { delay: idleSeconds } = cleanupRulesOf(await configurationOfPool(db, first.poolId));
      await pLimit(MAX_CONCURRENT_REQUESTS).map(
        copies,
        ({ templateId, poolId, templateName, poolName, idleSince }) => {
          const by = `the cleanup, since nothing has used it since ${idleSince.slice(0, 16)}`;
          const names = { template: templateName, pool: poolName };
          return orchestration.startRetirement({ templateId, poolId }, { by, idleSeconds }, names);
        },
      );
    },

    async endLook(outcome) {
      const { removed, removedFiles = removed.length } = outcome;
      await endLook(db, outcome, { removed: removedFiles, workflowId: workflowId() });
      if (outcome.jobId !== undefined)
        await completeJob(db, outcome.jobId, { result: await resultOf(deps, outcome) });
    },

    planFileRemoval: (poolId, chosen) => filesToRemove(db, poolId, chosen),

    async recordRemovedFiles(poolId, answer) {
      const { hostId, removed, pool } = await readSigned(db, ['removePoolFiles'], answer);
      await db.transaction().execute(async (tx) => {
        await recordPool(tx, hostId, pool);
        await forgetFiles(tx, poolId, removed);
      });
    },

    async endFileRemoval({ poolId, poolName, jobId, removed, kept }) {
      if (removed.length > 0)
        await recordEvent(db, {
          type: 'STORAGE.POOL.FILE.REMOVE',
          description: `From storage pool '${poolName}' went what Bypass did not know: ${removed.join(', ')}`,
          resourceType: 'StoragePool',
          resourceUuid: poolId,
          workflowId: workflowId(),
          once: `removed-files:${jobId}`,
        });
      if (kept.length > 0)
        await recordEvent(db, {
          type: 'STORAGE.POOL.FILE.REMOVE',
          level: 'WARN',
          description: `On storage pool '${poolName}' stays what was to be removed: ${kept.map(({ name, reason }) => `${name} ${reason}`).join('; ')}`,
          resourceType: 'StoragePool',
          resourceUuid: poolId,
          workflowId: workflowId(),
          once: `kept-files:${jobId}`,
        });
      const pool = { storageid: poolId, storagename: poolName };
      const storagepoolcleanup = [
        ...removed.map((name) => ({ ...pool, name, action: 'Removed' })),
        ...kept.map(({ name, reason }) => ({ ...pool, name, action: 'Kept', reason })),
      ];
      await completeJob(db, jobId, { result: { success: kept.length === 0, storagepoolcleanup } });
    },

    failCleanup: (jobId, text) => completeJob(db, jobId, { error: { code: apiCodes.internal, text } }),
  };
}

/** Requests to Temporal at the same time. */
const MAX_CONCURRENT_REQUESTS = 8;

async function resultOf({ db }: Pick<ControlDeps, 'db'>, outcome: LookOutcome): Promise<object> {
  const { poolId, poolName, dryRun, removed, kept, copiesStay, moreLeftovers = 0, moreCopies = 0 } = outcome;
  const leftovers = outcome.leftovers.slice(0, MAX_FILES_TOLD);
  const copies = outcome.copies.slice(0, MAX_FILES_TOLD);
  const gone = new Set(removed);
  const reasons = new Map(kept.map(({ name, reason }) => [name, reason]));
  const goes = dryRun ? 'WouldBeRemoved' : 'Removed';
  const leftover = leftovers.map(({ name, size }) => {
    const reason = reasons.get(name);
    const isGone = dryRun ? reason === undefined : gone.has(name);
    return { name, kind: 'Leftover', size, action: isGone ? goes : 'Kept', reason };
  });
  const copy = copies.map(({ templateId, templateName, size, idleSince }) => ({
    name: templateName,
    kind: 'Copy',
    templateid: templateId,
    size,
    idlesince: idleSince,
    action: copiesStay !== undefined ? 'Kept' : dryRun ? 'WouldBeRemoved' : 'BeingRemoved',
    reason: copiesStay,
  }));
  const query = { poolId, finding: 'unknown' } as const;
  const { count, rows } = await listPoolFiles(db, query, { limit: MAX_FILES_TOLD, offset: 0 });
  const unknown = rows.map(({ name, size }) => ({
    name,
    kind: 'Unknown',
    size,
    action: 'Kept',
    reason: NOBODY_KNOWS,
  }));
  const more = moreLeftovers + moreCopies + count - rows.length;
  const pool = { storageid: poolId, storagename: poolName };
  const storagepoolcleanup = [...copy, ...leftover, ...unknown].map((one) => ({ ...pool, ...one }));
  return { success: true, storagepoolcleanup, ...(more === 0 ? {} : { storagepoolcleanupmore: more }) };
}

const NOBODY_KNOWS = 'Bypass does not know it: it stays until somebody removes it by its name';

/**
 * Has the cleanup of these zones run where there is something to do, and ends what there is nothing to do for.
 * @param limit jobs of removed pools
 * @returns the number of zones with something to do
 */
export async function sweepCleanups(
  { db, orchestration }: ControlDeps,
  zones: readonly Place[],
  limit: number,
): Promise<number> {
  await failJobsOfRemovedPools(db, limit);
  const due = await zonesToClean(db, zones);
  for (const zoneId of due) await orchestration.requestCleanup(zoneId);
  return due.length;
}
