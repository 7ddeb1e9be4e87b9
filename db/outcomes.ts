/** How a copy's deployment ended: the row, its attempts, its reservation, the jobs that wait, and the event. */
import { sql } from 'kysely';
import type { DownloadResult, PoolReport, Try } from '../model/payloads.ts';
import { titleOf } from '../model/title.ts';
import { findCopy } from './copies.ts';
import type { CopyRow } from './copies.ts';
import type { Database, Queryable } from './database.ts';
import { denialOf, recordEvent } from './events.ts';
import { evidenceRow } from './evidence.ts';
import type { NewEvent } from './events.ts';
import { isAwaited, settleCopy } from './jobs.ts';
import type { CopyUuids, JobError } from './jobs.ts';
import { recordPoolReports } from './pools.ts';
import { release } from './reservations.ts';

/** One download on one host, whether it succeeded or not. */
export interface Attempt {
  readonly attemptId: string;
  readonly hostId: string;
  readonly hostName: string;
  readonly tries: readonly Try[];
  /** As the host sees the pool after it. */
  readonly pool?: PoolReport;
}

/** Names an outcome, so that it is told once however often it is written. */
export interface Outcome {
  readonly copy: CopyUuids;
  readonly outcomeId: string;
  readonly workflowId: string;
}

/** Writes an attempt that failed. Doing it again changes nothing. */
export function recordAttempt(db: Database, copy: CopyUuids, attempt: Attempt): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, copy);
    if (row !== undefined) {
      await insertTries(tx, row.id, attempt);
      await recordDenials(tx, row, copy.templateId, attempt);
    }
    if (attempt.pool !== undefined) await recordPoolReports(tx, attempt.hostId, [attempt.pool]);
  });
}

/** What the URL policy refused, whether another mirror did better or not. */
async function recordDenials(
  tx: Queryable,
  row: CopyRow,
  templateId: string,
  attempt: Attempt,
): Promise<void> {
  for (const [sequence, { source, failure }] of attempt.tries.entries()) {
    if (failure?.rule === undefined) continue;
    const { rule, message: reason } = failure;
    await recordEvent(tx, {
      type: `${kindOf(row)}.URL.DENY`,
      level: 'WARN',
      description: denialOf({
        title: titleOfCopy(row),
        hostName: attempt.hostName,
        url: failure.url ?? source,
        rule,
        reason,
      }),
      accountUuid: row.accountId,
      resourceType: row.format === 'ISO' ? 'ISO' : 'VirtualMachineTemplate',
      resourceUuid: templateId,
      once: `denied:${attempt.attemptId}:${sequence}`,
    });
  }
}

async function insertTries(tx: Queryable, copyId: number, attempt: Attempt): Promise<void> {
  if (attempt.tries.length === 0) return;
  await tx
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
    .execute();
}

/**
 * The copy is there. Whoever waits for it is told. An activity that Temporal gave up on may still come through: what it
 * knows of a copy that is removed, or was removed and is made anew, is nothing to anybody.
 */
export function finishCopy(
  db: Database,
  outcome: Outcome,
  done: { readonly result: DownloadResult; readonly attempt: Attempt },
): Promise<void> {
  const { result, attempt } = done;
  return end(db, outcome, async (tx, row) => {
    if (row.copyId !== result.installPath) return LATE;
    const { numUpdatedRows } = await tx
      .updateTable('template_spool_ref')
      .set({
        download_state: 'DOWNLOADED',
        download_pct: 100,
        state: 'Ready',
        error_str: null,
        cancelled_by: null,
        template_size: result.size,
        physical_size: result.physicalSize,
        sha256: result.sha256,
        install_path: result.installPath,
        local_path: result.localPath,
        evidence: evidenceRow(result.evidence),
        last_updated: sql`now()`,
      })
      .where('id', '=', row.id)
      .where('state', '!=', 'Destroying')
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return LATE;
    // What a packed file did not tell at registration is known once it was unpacked.
    await tx
      .updateTable('vm_template')
      .set({ virtual_size: result.virtualSize })
      .where('uuid', '=', outcome.copy.templateId)
      .where('virtual_size', '=', 0)
      .execute();
    await insertTries(tx, row.id, attempt);
    await recordDenials(tx, row, outcome.copy.templateId, attempt);
    await recordPoolReports(tx, attempt.hostId, [result.pool]);
    const bytes = result.fetched === 0 ? 'was there already' : `${result.fetched} bytes fetched`;
    return {
      type: `${kindOf(row)}.DIRECT.DOWNLOAD`,
      description: `${titleOfCopy(row)} is on pool ${row.poolName} (host ${attempt.hostName}, ${bytes})`,
    };
  });
}

/** The copy was there already. Whoever waits for it is told. */
export const confirmCopy = (db: Database, outcome: Outcome): Promise<void> =>
  end(db, outcome, () => Promise.resolve(undefined));

/** The deployment failed, for a reason that a person can act on. Whoever waits for it is told. */
export function failCopy(db: Database, outcome: Outcome, error: JobError): Promise<void> {
  return end(
    db,
    outcome,
    async (tx, row) => {
      await tx
        .updateTable('template_spool_ref')
        .set({
          download_state: 'DOWNLOAD_ERROR',
          state: 'Failed',
          error_str: error.text,
          last_updated: sql`now()`,
        })
        .where('id', '=', row.id)
        // One that is there, or is being removed, did not fail.
        .where('state', 'in', ['Allocated', 'Creating', 'Failed'])
        .execute();
      return {
        type: `${kindOf(row)}.DIRECT.DOWNLOAD.FAILURE`,
        level: 'ERROR',
        description: `${titleOfCopy(row)} could not be downloaded to pool ${row.poolName}: ${error.text}`,
      };
    },
    error,
  );
}

/** The deployment was stopped; the bytes stay. Who waits was told when it was asked for (`settleStopped`). */
export function cancelCopy(db: Database, outcome: Outcome, by: string): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, outcome.copy);
    if (row === undefined) return;
    await tx
      .updateTable('template_spool_ref')
      .set({
        download_state: 'NOT_DOWNLOADED',
        state: 'Allocated',
        error_str: null,
        cancelled_by: by,
        last_updated: sql`now()`,
      })
      .where('id', '=', row.id)
      .where('state', 'in', ['Allocated', 'Creating', 'Failed'])
      .execute();
    await release(tx, row.copyId);
    await tell(tx, outcome, row, {
      type: `${kindOf(row)}.DIRECT.DOWNLOAD.CANCEL`,
      description: `The download of ${titleOfCopy(row, 'middle')} to pool ${row.poolName} was cancelled by ${by}`,
    });
  });
}

/**
 * Tells those who waited for a copy when it was stopped.
 * @param until when that was, by the database's clock; absent, all are told
 * @returns whether somebody waits who asked later, and is to be served
 */
export const settleStopped = (
  db: Database,
  copy: CopyUuids,
  error: JobError,
  until?: string,
): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    await settleCopy(tx, copy, error, until);
    return isAwaited(tx, copy);
  });

type Told = Pick<NewEvent, 'type' | 'level' | 'description'>;
/** Nothing was written, and nobody is to be told. */
const LATE = Symbol('late');

async function end(
  db: Database,
  outcome: Outcome,
  write: (tx: Queryable, row: CopyRow) => Promise<Told | typeof LATE | undefined>,
  error?: JobError,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, outcome.copy);
    if (row !== undefined) {
      const told = await write(tx, row);
      if (told === LATE) return;
      await release(tx, row.copyId);
      if (told !== undefined) await tell(tx, outcome, row, told);
    }
    await settleCopy(tx, outcome.copy, error ?? (row === undefined ? GONE : undefined));
  });
}

const GONE: JobError = { code: 530, text: 'The copy was removed from the pool' };

const tell = (tx: Queryable, outcome: Outcome, row: CopyRow, told: Told): Promise<void> =>
  recordEvent(tx, {
    ...told,
    accountUuid: row.accountId,
    resourceType: row.format === 'ISO' ? 'ISO' : 'VirtualMachineTemplate',
    resourceUuid: outcome.copy.templateId,
    workflowId: outcome.workflowId,
    once: outcome.outcomeId,
  });

export const kindOf = ({ format }: CopyRow): 'ISO' | 'TEMPLATE' => (format === 'ISO' ? 'ISO' : 'TEMPLATE');

export const titleOfCopy = ({ format, templateName }: CopyRow, place?: 'start' | 'middle'): string =>
  titleOf({ format, name: templateName }, place);
