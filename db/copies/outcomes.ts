/** How a copy's deployment ended: the row, its attempts, its reservation, the jobs that wait, and the event. */
import { sql } from 'kysely';
import type { DownloadResult, PoolReport, Try } from '../../model/payloads.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { eventType, resourceTypeOf } from '../../model/event-types.ts';
import type { NamedHost } from '../../model/failures.ts';
import { titleOf } from '../../model/title.ts';
import { findCopy, NO_ERROR } from './copies.ts';
import type { CopyRow } from './copies.ts';
import type { Database, Queryable } from '../database.ts';
import { denialOf, recordEvent } from '../events/events.ts';
import { evidenceRow } from '../evidence.ts';
import type { NewEvent } from '../events/events.ts';
import { completeSettled, completeLeftOverOf, hostColumn, isAwaited, settleCopy } from '../jobs/jobs.ts';
import type { CopyUuids, JobError } from '../jobs/jobs.ts';
import { recordPool } from '../pools/pools.ts';
import { isOfItsLineage } from '../spread/lineages.ts';
import { addCosts, NOT_FETCHING, noteWrongPeers, wrongPeersOf } from '../spread/records.ts';
import type { CountedTry, WrongPeer } from '../spread/records.ts';
import { carriesMachines, STAYS_DAMAGED } from './healing.ts';
import { judgePieces } from './pieces.ts';
import { release } from './reservations.ts';
import { countEnded } from './throughput.ts';
import { usersOf } from './users.ts';

/** One download on one host, whether it succeeded or not. */
export interface Attempt {
  readonly attemptId: string;
  readonly hostId: string;
  readonly hostName: string;
  readonly tries: readonly Try[];
  /** As the host sees the pool after it. */
  readonly pool?: PoolReport;
}

/** An end of a deployment. `outcomeId` identifies it, so that an activity that runs twice records one event. */
export interface Outcome {
  readonly copy: CopyUuids;
  readonly outcomeId: string;
  readonly workflowId: string;
}

/** What came of recording an attempt. */
export interface Recorded {
  /** Recorded for the first time. */
  readonly tries: readonly CountedTry[];
  /** Published copies of hosts that gave wrong bytes, which must be verified anew; also when the attempt was recorded before. */
  readonly wrong: readonly WrongPeer[];
}

const NOTHING: Recorded = { tries: [], wrong: [] };

/** Writes an attempt that failed. Doing it again changes nothing. */
export async function recordAttempt(db: Database, copy: CopyUuids, attempt: Attempt): Promise<Recorded> {
  const recorded = await db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, copy);
    const first = row === undefined ? NOTHING : await recordTries(tx, row, copy.templateId, attempt);
    if (attempt.pool !== undefined) await recordPool(tx, attempt.hostId, attempt.pool);
    return first;
  });
  await countEnded(db, copy.templateId, attempt);
  return recorded;
}

async function recordTries(
  tx: Queryable,
  row: CopyRow,
  templateId: string,
  attempt: Attempt,
): Promise<Recorded> {
  await tx.updateTable('template_spool_ref').set(NOT_FETCHING).where('id', '=', row.id).execute();
  const tries = await insertTries(tx, row.id, attempt);
  return { tries, wrong: await recordFindings(tx, row, templateId, attempt) };
}

/**
 * Records an event for each URL that the policy refused, each source that changed, each host that gave wrong bytes and each
 * foreign file on the pool, also when another mirror or host delivered the image.
 */
async function recordFindings(
  tx: Queryable,
  row: CopyRow,
  templateId: string,
  attempt: Attempt,
): Promise<readonly WrongPeer[]> {
  const about = {
    level: 'WARN',
    accountUuid: row.accountId,
    resourceType: resourceTypeOf(row),
    resourceUuid: templateId,
    host: hostOf(attempt),
  } as const;
  for (const [sequence, one] of attempt.tries.entries()) {
    const denial = deniedBy(one, titleOfCopy(row));
    if (denial !== undefined) {
      const once = `denied:${attempt.attemptId}:${sequence}`;
      await recordEvent(tx, { ...about, type: eventType(row, 'URL.DENY'), description: denial, once });
    }
    if (one.changed !== undefined) {
      await recordEvent(tx, {
        ...about,
        type: eventType(row, 'SOURCE.CHANGED'),
        description: `${titleOfCopy(row)} from ${one.source}: ${one.changed}`,
        once: `changed:${attempt.attemptId}:${sequence}`,
      });
    }
    for (const [index, found] of foreignIn(one).entries()) {
      await recordEvent(tx, {
        ...about,
        type: eventType(row, 'POOL.FOREIGN'),
        description: `${titleOfCopy(row)} on pool ${row.poolName}: ${found}`,
        once: `foreign:${attempt.attemptId}:${sequence}:${index}`,
      });
    }
  }
  return recordWrongPeers(tx, row, templateId, attempt);
}

const hostOf = ({ hostId, hostName }: Attempt): NamedHost => ({ id: hostId, name: hostName });

/** Records an event for each host that gave wrong bytes, and lets it not be asked for this copy again. */
async function recordWrongPeers(
  tx: Queryable,
  row: CopyRow,
  templateId: string,
  { attemptId, tries }: Attempt,
): Promise<readonly WrongPeer[]> {
  const wrong = await wrongPeersOf(tx, row.id, tries);
  await noteWrongPeers(tx, row.id, wrong);
  for (const { hostId: id, hostName: name, message } of wrong) {
    await recordEvent(tx, {
      type: eventType(row, 'PEER.WRONG'),
      level: 'ERROR',
      description: `${titleOfCopy(row)} for pool ${row.poolName}: another host gave wrong bytes: ${message}. It is not asked for this copy again`,
      accountUuid: row.accountId,
      resourceType: resourceTypeOf(row),
      resourceUuid: templateId,
      host: { id, name },
      once: `wrong-peer:${attemptId}:${id}`,
    });
  }
  return wrong;
}

/** What the URL policy refused. */
const deniedBy = ({ source, failure }: Try, title: string): string | undefined =>
  failure?.rule === undefined
    ? undefined
    : denialOf({
        title,
        who: 'the host',
        url: failure.url ?? source,
        rule: failure.rule,
        reason: failure.message,
      });

/** Files that another program put under names of Bypass. */
const foreignIn = ({ foreign = [], failure }: Try): readonly string[] => [
  ...foreign.map(
    ({ path, movedTo }) =>
      `a file that Bypass did not put there had the name ${path}; it was moved to ${movedTo}`,
  ),
  ...(failure?.path === undefined ? [] : [failure.message]),
];

/** @returns those that were not there yet */
async function insertTries(tx: Queryable, copyId: number, attempt: Attempt): Promise<readonly CountedTry[]> {
  if (attempt.tries.length === 0) return [];
  const inserted = await tx
    .insertInto('download_attempt')
    .values(
      attempt.tries.map((one, sequence) => ({
        uuid: attempt.attemptId,
        copy_id: copyId,
        host_id: sql<number>`(select id from host where uuid = ${attempt.hostId})`,
        host_name: attempt.hostName,
        sequence,
        source: one.source,
        started: one.startedAt,
        ended: one.endedAt,
        bytes: one.bytes,
        failure_kind: one.failure?.kind ?? null,
        error_str: one.failure?.message ?? null,
        note: one.note ?? null,
        evidence: evidenceRow(one.evidence),
      })),
    )
    .onConflict((conflict) => conflict.columns(['uuid', 'sequence']).doNothing())
    .returning(['source', 'bytes', 'failure_kind'])
    .execute();
  await addCosts(tx, copyId, inserted);
  return inserted;
}

export interface Finished {
  /** Why the image was not accepted, and the jobs failed instead. */
  readonly refused: JobError | undefined;
  /** What was recorded of the attempt for the first time. */
  readonly tries: readonly CountedTry[];
}

/**
 * Marks a copy as ready and settles the jobs that wait for it. A copy of a lineage whose first copy had another SHA-256 fails
 * instead. An activity may finish after Temporal gave it up: its result is
 * dropped when the copy is being removed, or was removed and made anew.
 * @throws LineageUnknown when it has to wait for a host that reads the origin
 * @throws HearsayRefused when hosts passed on what it is, and it is not right, or nobody can tell; nothing is recorded then
 */
export async function finishCopy(
  db: Database,
  outcome: Outcome,
  done: { readonly result: DownloadResult; readonly attempt: Attempt },
): Promise<Finished> {
  const { result, attempt } = done;
  const { templateId } = outcome.copy;
  let tries: readonly CountedTry[] = [];
  const refused = await end(db, outcome, async (tx, row) => {
    if (row.copyId !== result.installPath) return LATE;
    if (!(await isOfItsLineage(tx, result, row))) {
      tries = await insertTries(tx, row.id, attempt);
      return { ...(await markFailed(tx, row, OTHER_IMAGE)), host: hostOf(attempt), error: OTHER_IMAGE };
    }
    if (result.pieces !== undefined)
      await judgePieces(tx, row.id, { ...result, pieces: result.pieces, hostId: attempt.hostId });
    const { numUpdatedRows } = await tx
      .updateTable('template_spool_ref')
      .set({
        download_state: 'DOWNLOADED',
        download_pct: 100,
        state: 'Ready',
        ...NO_ERROR,
        ...NOT_FETCHING,
        lineage: result.lineage ?? null,
        cancelled_by: null,
        template_size: result.size,
        physical_size: result.physicalSize,
        sha256: result.sha256,
        install_path: result.installPath,
        local_path: result.localPath,
        evidence: evidenceRow(result.evidence),
        verified: sql`now()`,
        last_updated: sql`now()`,
      })
      .where('id', '=', row.id)
      .where('state', '!=', 'Destroying')
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return LATE;
    // A compressed file may announce no size at registration; unpacking finds it.
    if (row.virtualSize === 0) await noteVirtualSize(tx, templateId, result.virtualSize);
    tries = await insertTries(tx, row.id, attempt);
    await recordFindings(tx, row, outcome.copy.templateId, attempt);
    await recordPool(tx, attempt.hostId, result.pool);
    const bytes = result.fetched === 0 ? 'was there already' : `${result.fetched} bytes fetched`;
    return {
      type: eventType(row, 'DIRECT.DOWNLOAD'),
      description: `${titleOfCopy(row)} is on pool ${row.poolName} (${bytes})`,
      host: hostOf(attempt),
    };
  });
  // In its own transaction: all downloads of an account update one row, and must not wait for each other's outcomes.
  await countEnded(db, templateId, attempt);
  return { refused, tries };
}

const noteVirtualSize = (tx: Queryable, templateId: string, bytes: number): Promise<unknown> =>
  tx
    .updateTable('vm_template')
    .set({ virtual_size: bytes })
    .where('uuid', '=', templateId)
    .where('virtual_size', '=', 0)
    .execute();

const OTHER_IMAGE: JobError = {
  code: apiCodes.internal,
  text: 'the image differs from the one that other hosts have of the same download; it was not accepted',
  kind: 'PeerWrong',
};

/** The copy was ready already: settles the jobs that wait for it. */
export async function confirmCopy(db: Database, outcome: Outcome): Promise<void> {
  await end(db, outcome, () => Promise.resolve(undefined));
}

/** Marks a copy as failed and settles the jobs that wait for it. @param error a reason that a person can act on */
export async function failCopy(db: Database, outcome: Outcome, error: JobError): Promise<void> {
  const write = async (tx: Queryable, row: CopyRow) => ({ ...(await markFailed(tx, row, error)), error });
  await end(db, outcome, write, error);
}

/** A copy that was to be healed under its machines stays what it was. */
async function keepUnderMachines(tx: Queryable, { id }: CopyRow): Promise<void> {
  await tx
    .updateTable('template_spool_ref')
    .set({ ...STAYS_DAMAGED, ...NOT_FETCHING, last_updated: sql`now()` })
    .where('id', '=', id)
    .where('state', '=', 'Creating')
    .where(carriesMachines)
    .execute();
}

async function markFailed(tx: Queryable, row: CopyRow, error: JobError): Promise<OutcomeEvent> {
  await keepUnderMachines(tx, row);
  await tx
    .updateTable('template_spool_ref')
    .set({
      download_state: 'DOWNLOAD_ERROR',
      state: 'Failed',
      ...NOT_FETCHING,
      error_str: error.text,
      error_kind: error.kind ?? null,
      error_host: hostColumn(error.host),
      last_updated: sql`now()`,
    })
    .where('id', '=', row.id)
    // A copy that is ready or being removed did not fail.
    .where('state', 'in', ['Allocated', 'Creating', 'Failed'])
    .execute();
  return {
    type: eventType(row, 'DIRECT.DOWNLOAD.FAILURE'),
    level: 'ERROR',
    description: `${titleOfCopy(row)} could not be downloaded to pool ${row.poolName}: ${error.text}`,
    ...(error.host === undefined ? {} : { host: error.host }),
  };
}

/** Marks a copy as cancelled; its bytes stay. `settleStopped` settled the waiting jobs when the stop was requested. */
export function cancelCopy(db: Database, outcome: Outcome, by: string): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, outcome.copy);
    if (row === undefined) return;
    await keepUnderMachines(tx, row);
    await tx
      .updateTable('template_spool_ref')
      .set({
        download_state: 'NOT_DOWNLOADED',
        state: 'Allocated',
        ...NO_ERROR,
        ...NOT_FETCHING,
        cancelled_by: by,
        last_updated: sql`now()`,
      })
      .where('id', '=', row.id)
      .where('state', 'in', ['Allocated', 'Creating', 'Failed'])
      .execute();
    await release(tx, row.copyId);
    await recordOutcome(tx, outcome, row, {
      type: eventType(row, 'DIRECT.DOWNLOAD.CANCEL'),
      description: `The download of ${titleOfCopy(row, 'middle')} to pool ${row.poolName} was cancelled by ${by}`,
    });
  });
}

/**
 * Settles the jobs that waited for a copy when its deployment was stopped: with the error, unless the copy is ready and
 * virtual machines stand on it, so that it stays.
 * @param until when it was stopped, by the database's clock; absent: all jobs are settled
 * @returns whether a younger job waits for the copy, so that it must be deployed after all
 */
export async function settleStopped(
  db: Database,
  copy: CopyUuids,
  error: JobError,
  until?: string,
): Promise<boolean> {
  const { jobs, isWanted } = await db.transaction().execute(async (tx) => {
    const stays = (await usersOf(tx, copy)) > 0;
    return {
      jobs: await settleCopy(tx, copy, stays ? undefined : error, until),
      isWanted: await isAwaited(tx, copy),
    };
  });
  await completeJobs(db, copy, jobs);
  return isWanted;
}

/** @param jobs for which the copy was settled. None: an earlier try may have done so, and was killed before this step */
const completeJobs = (db: Database, { templateId }: CopyUuids, jobs: readonly number[]): Promise<void> =>
  jobs.length > 0 ? completeSettled(db, jobs) : completeLeftOverOf(db, templateId);

type OutcomeEvent = Pick<NewEvent, 'type' | 'level' | 'description' | 'host'>;
/** The result came too late: nothing was written, and nothing is recorded. */
const LATE = Symbol('late');

/**
 * @param withoutCopy the error of the jobs when the copy is gone
 * @returns the error with which the jobs ended
 */
async function end(
  db: Database,
  outcome: Outcome,
  write: (
    tx: Queryable,
    row: CopyRow,
  ) => Promise<(OutcomeEvent & { readonly error?: JobError }) | typeof LATE | undefined>,
  withoutCopy = GONE,
): Promise<JobError | undefined> {
  const ended = await db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, outcome.copy);
    let error = row === undefined ? withoutCopy : undefined;
    if (row !== undefined) {
      const written = await write(tx, row);
      if (written === LATE) return undefined;
      await release(tx, row.copyId);
      if (written !== undefined) {
        const { error: why, ...event } = written;
        error = why;
        await recordOutcome(tx, outcome, row, event);
      }
    }
    return { error, jobs: await settleCopy(tx, outcome.copy, error) };
  });
  if (ended === undefined) return undefined;
  await completeJobs(db, outcome.copy, ended.jobs);
  return ended.error;
}

const GONE: JobError = {
  code: apiCodes.internal,
  text: 'The copy was removed from the pool',
  kind: 'NotPossible',
};

const recordOutcome = (tx: Queryable, outcome: Outcome, row: CopyRow, event: OutcomeEvent): Promise<void> =>
  recordEvent(tx, {
    ...event,
    accountUuid: row.accountId,
    resourceType: resourceTypeOf(row),
    resourceUuid: outcome.copy.templateId,
    workflowId: outcome.workflowId,
    once: outcome.outcomeId,
  });

export const titleOfCopy = ({ format, templateName }: CopyRow, place?: 'start' | 'middle'): string =>
  titleOf({ format, name: templateName }, place);
