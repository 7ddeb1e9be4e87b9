/**
 * Bytes fetched in each minute. `counted_attempt` keeps, for each attempt, how many of its bytes are counted and up to when.
 * Counting an attempt again spreads only the bytes that are new over the time since then: it may be repeated, and may pause.
 */
import { sql } from 'kysely';
import type { Try } from '../../model/payloads.ts';
import { byMinute, MINUTES_KEPT } from '../../model/throughput.ts';
import type { Arrival, RunningFetch } from '../../model/throughput.ts';
import type { Database, Queryable } from '../database.ts';

/** Of a template, whose account it counts for. */
export interface CopyFetch extends RunningFetch {
  readonly templateId: string;
}

/** Counts the bytes that running attempts have fetched since they were counted last. */
export async function countRunning(db: Database, running: readonly CopyFetch[]): Promise<void> {
  if (running.length === 0) return;
  await db.transaction().execute(async (tx) => {
    await beginCounting(tx, running);
    const fresh = arrivalsOf(running, await counted(tx, running, { lock: true }));
    await addSamples(tx, fresh);
    await sql`
      update counted_attempt as known
      set bytes = greatest(known.bytes, given.bytes), counted = greatest(known.counted, now())
      from unnest(${running.map(({ attemptId }) => attemptId)}::uuid[], ${running.map(({ bytes }) => bytes)}::bigint[])
        as given (attempt, bytes)
      where known.attempt = given.attempt`.execute(tx);
  });
}

/** Adds attempts that are new, with nothing counted yet. */
const beginCounting = (tx: Queryable, running: readonly CopyFetch[]): Promise<unknown> =>
  sql`
    insert into counted_attempt (attempt, account_id, bytes, counted)
    select given.attempt, template.account_id, 0, least(given.begun, now())
    from unnest(${running.map(({ attemptId }) => attemptId)}::uuid[],
      ${running.map(({ templateId }) => templateId)}::uuid[],
      ${running.map(({ begun }) => begun)}::timestamptz[]) as given (attempt, template, begun)
    join vm_template as template on template.uuid = given.template
    order by given.attempt
    on conflict (attempt) do nothing`.execute(tx);

interface Counted {
  readonly attempt: string;
  readonly accountId: number;
  readonly bytes: number;
  readonly counted: Date;
  readonly now: Date;
}

async function counted(
  db: Queryable,
  running: readonly Pick<RunningFetch, 'attemptId'>[],
  { lock }: { readonly lock: boolean },
): Promise<ReadonlyMap<string, Counted>> {
  const rows = await db
    .selectFrom('counted_attempt')
    .where('attempt', '=', sql<string>`any(${running.map(({ attemptId }) => attemptId)}::uuid[])`)
    .select(['attempt', 'account_id as accountId', 'bytes', 'counted', sql<Date>`now()`.as('now')])
    .orderBy('attempt')
    .$if(lock, (some) => some.forUpdate())
    .execute();
  return new Map(rows.map((row) => [row.attempt, row]));
}

interface OwnArrival extends Arrival {
  readonly accountId: number;
}

const arrivalsOf = (
  running: readonly RunningFetch[],
  known: ReadonlyMap<string, Counted>,
): readonly OwnArrival[] =>
  running.flatMap(({ attemptId, bytes }) => {
    const row = known.get(attemptId);
    if (row === undefined || bytes <= row.bytes) return [];
    return [{ accountId: row.accountId, bytes: bytes - row.bytes, from: row.counted, to: row.now }];
  });

interface EndedAttempt {
  readonly attemptId: string;
  readonly tries: readonly Try[];
}

/**
 * Counts what an attempt that has ended fetched and was not counted while it ran. One that was not seen while it ran
 * counts over the times of its tries, by its host's clock.
 */
export async function countEnded(db: Database, templateId: string, attempt: EndedAttempt): Promise<void> {
  const bytes = attempt.tries.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes === 0 || (await countUnseen(db, templateId, attempt, bytes))) return;
  await countRest(db, attempt.attemptId, bytes);
}

/** In one statement, as nearly all attempts are. @returns false for one that was seen while it ran */
async function countUnseen(
  db: Database,
  templateId: string,
  { attemptId, tries }: EndedAttempt,
  bytes: number,
): Promise<boolean> {
  const now = Date.now();
  const minutes = bytesByMinute(tries.map((one) => arrivalOf(one, now)));
  const { rows } = await sql<{ readonly unseen: boolean }>`
    with fresh as (
      insert into counted_attempt (attempt, account_id, bytes)
      select ${attemptId}::uuid, account_id, ${bytes}::bigint from vm_template where uuid = ${templateId}
      on conflict (attempt) do nothing returning account_id),
    added as (
      insert into throughput_sample (account_id, minute, bytes)
      select fresh.account_id, given.minute, given.bytes
      from fresh, unnest(${minutes.map(({ from }) => from)}::timestamptz[],
        ${minutes.map((minute) => minute.bytes)}::bigint[]) as given (minute, bytes)
      order by given.minute
      on conflict (minute, account_id) do update set bytes = throughput_sample.bytes + excluded.bytes)
    select exists (select from fresh) as unseen`.execute(db);
  return rows[0]?.unseen === true;
}

/** Of an attempt that was counted while it ran, or counts already. */
const countRest = (db: Database, attemptId: string, bytes: number): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const row = (await counted(tx, [{ attemptId }], { lock: true })).get(attemptId);
    if (row === undefined || row.bytes >= bytes) return;
    await tx
      .updateTable('counted_attempt')
      .set({ bytes, counted: sql`greatest(counted, now())` })
      .where('attempt', '=', attemptId)
      .execute();
    await addSamples(tx, [{ ...row, bytes: bytes - row.bytes, from: row.counted, to: row.now }]);
  });

/** @param now milliseconds: nothing comes later */
const arrivalOf = ({ bytes, startedAt, endedAt }: Try, now: number): Arrival => ({
  bytes,
  from: new Date(startedAt),
  to: new Date(Math.min(Date.parse(endedAt), now)),
});

/** Minutes in which bytes came, the oldest first. */
function bytesByMinute(arrivals: readonly Arrival[]): readonly Minute[] {
  const sums = new Map<number, number>();
  for (const arrival of arrivals) {
    for (const [minute, bytes] of byMinute(arrival)) sums.set(minute, (sums.get(minute) ?? 0) + bytes);
  }
  return [...sums]
    .filter(([, bytes]) => bytes > 0)
    .toSorted(([a], [b]) => a - b)
    .map(([minute, bytes]) => ({ from: new Date(minute), bytes }));
}

/** Rows are written in one order, so that transactions do not deadlock. */
async function addSamples(tx: Queryable, arrivals: readonly OwnArrival[]): Promise<void> {
  const accounts = [...new Set(arrivals.map(({ accountId }) => accountId))];
  const rows = accounts
    .flatMap((account_id) =>
      bytesByMinute(arrivals.filter(({ accountId }) => accountId === account_id)).map(({ from, bytes }) => ({
        account_id,
        minute: from,
        bytes,
      })),
    )
    .toSorted((a, b) => a.minute.getTime() - b.minute.getTime() || a.account_id - b.account_id);
  if (rows.length === 0) return;
  await tx
    .insertInto('throughput_sample')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['minute', 'account_id'])
        .doUpdateSet({ bytes: sql`throughput_sample.bytes + excluded.bytes` }),
    )
    .execute();
}

export interface Throughput {
  /** The last minutes, the oldest first; the last one is not over yet. */
  readonly counted: readonly Minute[];
  /** What attempts that run have fetched and is not counted yet. */
  readonly uncounted: readonly Arrival[];
}

export interface Minute {
  readonly from: Date;
  /** That are counted as come in it. */
  readonly bytes: number;
}

async function fetchedByMinute(
  db: Queryable,
  minutes: number,
  accountId: number | undefined,
): Promise<readonly Minute[]> {
  const own = accountId === undefined ? sql`true` : sql`sample.account_id = ${accountId}`;
  const { rows } = await sql<Minute>`
    select shown.minute as "from", coalesce(sum(sample.bytes), 0)::float8 as bytes
    from generate_series(
      date_trunc('minute', now()) - ${minutes - 1} * interval '1 minute',
      date_trunc('minute', now()), interval '1 minute') as shown (minute)
    left join throughput_sample as sample on sample.minute = shown.minute and ${own}
    group by shown.minute order by shown.minute`.execute(db);
  return rows;
}

/**
 * Both as of one moment, so that nothing is in both, or in none.
 * @param minutes at most `MINUTES_KEPT`
 * @param accountId only what came for this account's templates
 */
export const throughput = (
  db: Database,
  minutes: number,
  {
    accountId,
    running,
  }: { readonly accountId: number | undefined; readonly running: readonly RunningFetch[] },
): Promise<Throughput> =>
  db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => ({
      counted: await fetchedByMinute(tx, minutes, accountId),
      uncounted: await uncounted(tx, running),
    }));

async function uncounted(tx: Queryable, running: readonly RunningFetch[]): Promise<readonly Arrival[]> {
  if (running.length === 0) return [];
  const known = await counted(tx, running, { lock: false });
  const unseen = running.filter(({ attemptId }) => !known.has(attemptId));
  const to = new Date();
  return [
    ...arrivalsOf(running, known),
    ...unseen.map(({ bytes, begun }): Arrival => ({ bytes, from: begun, to })),
  ];
}

/** Copies that are being brought onto pools, by their ids. @param after the last id that was seen */
export const copiesUnderWay = (
  db: Queryable,
  after: number,
  most: number,
): Promise<readonly { readonly id: number; readonly templateId: string; readonly poolId: string }[]> =>
  db
    .selectFrom((eb) =>
      eb
        .selectFrom('template_spool_ref')
        .where('state', '=', sql.lit('Creating'))
        .where('id', '>', after)
        .orderBy('id')
        .limit(most)
        .select(['id', 'template_id', 'pool_id'])
        .as('copy'),
    )
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
    .orderBy('copy.id')
    .select(['copy.id', 'template.uuid as templateId', 'pool.uuid as poolId'])
    .execute();

/** Deletes samples that no chart shows any more. @returns how many, at most `limit` */
export async function deleteOldSamples(db: Queryable, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from throughput_sample where ctid = any (array(
      select ctid from throughput_sample where minute < now() - make_interval(mins => ${MINUTES_KEPT})
      limit ${limit} for update skip locked))`.execute(db);
  return Number(numAffectedRows);
}

/**
 * Deletes attempts that were counted a day ago: a late report of an ended one must not be counted anew.
 * @returns how many, at most `limit`
 */
export async function deleteOldAttempts(db: Queryable, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from counted_attempt where attempt = any (array(
      select attempt from counted_attempt where counted < now() - interval '1 day'
      limit ${limit} for update skip locked))`.execute(db);
  return Number(numAffectedRows);
}
