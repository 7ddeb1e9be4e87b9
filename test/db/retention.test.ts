/** What has happened is kept as long as it has to be, and what is not over for as long as it takes. */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { completeJob, createDeploymentJob } from '../../db/jobs/jobs.ts';
import { recordEvent } from '../../db/events/events.ts';
import { deleteExpired } from '../../db/retention.ts';
import { findConfiguration, retentionOf } from '../../model/configurations.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

const newJob = async (done: boolean, minutesAgo: number): Promise<string> => {
  const template = await lab.addTemplate();
  const { jobId: id } = await createDeploymentJob(lab.db, {
    accountId: lab.account.uuid,
    userId: lab.user.uuid,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: template.uuid,
    copies: [{ templateId: template.uuid, poolId: template.uuid }],
  });
  if (done) await completeJob(lab.db, id, { result: { success: true } });
  const at = sql<Date>`now() - make_interval(mins => ${minutesAgo})`;
  await lab.db
    .updateTable('async_job')
    .set({ created: at, ...(done ? { completed: at } : {}) })
    .where('uuid', '=', id)
    .execute();
  return id;
};
const jobs = async (): Promise<readonly string[]> =>
  (await lab.db.selectFrom('async_job').select('uuid').orderBy('id').execute()).map(({ uuid }) => uuid);

test('a job is deleted with its copies once it ended long enough ago; a pending job is kept', async () => {
  const old = await newJob(true, 61);
  const young = await newJob(true, 59);
  const running = await newJob(false, 100_000);
  expect(await deleteExpired(lab.db, { jobMinutes: 0, eventDays: 0 })).toEqual({ jobs: 0, events: 0 });
  expect(await jobs()).toEqual([old, young, running]);
  expect(await deleteExpired(lab.db, { jobMinutes: 60, eventDays: 0 })).toEqual({ jobs: 1, events: 0 });
  expect(await jobs()).toEqual([young, running]);
  const left = await lab.db.selectFrom('async_job_copy').selectAll().execute();
  expect(left).toHaveLength(2);
});

test('an event is deleted when it is older than the days set', async () => {
  for (const days of [3, 1]) {
    await recordEvent(lab.db, {
      type: 'TEMPLATE.CREATE',
      description: `${days} days old`,
      userUuid: lab.user.uuid,
      accountUuid: lab.account.uuid,
      resourceType: 'VirtualMachineTemplate',
      resourceUuid: lab.user.uuid,
    });
    await sql`update event set created = now() - make_interval(days => ${days})
      where description = ${`${days} days old`}`.execute(lab.db);
  }
  expect((await deleteExpired(lab.db, { jobMinutes: 0, eventDays: 2 })).events).toBe(1);
  const left = await lab.db.selectFrom('event').select('description').execute();
  expect(left.map(({ description }) => description)).toEqual(['1 days old']);
});

const ago = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);

test('a sample of throughput is deleted when no chart shows it, a counted attempt after a day', async () => {
  const rows = (table: 'throughput_sample' | 'counted_attempt') =>
    lab.db.selectFrom(table).select('bytes').orderBy('bytes').execute();
  await lab.db
    .insertInto('throughput_sample')
    .values([3, 1].map((hours) => ({ minute: ago(hours), account_id: lab.account.id, bytes: hours })))
    .execute();
  await lab.db
    .insertInto('counted_attempt')
    .values(
      [25, 23].map((hours) => ({
        attempt: randomUUID(),
        account_id: lab.account.id,
        bytes: hours,
        counted: ago(hours),
      })),
    )
    .execute();
  await deleteExpired(lab.db, { jobMinutes: 0, eventDays: 0 });
  expect(await rows('throughput_sample')).toEqual([{ bytes: 1 }]);
  expect(await rows('counted_attempt')).toEqual([{ bytes: 23 }]);
});

test('however much has expired, all of it goes, and no statement deletes very many rows', async () => {
  const grown = ['list_change', 'throughput_sample', 'counted_attempt', 'call_count'];
  await sql`create table gone (relation text, count bigint)`.execute(lab.db);
  await sql`create function note_gone() returns trigger language plpgsql as $$
    begin insert into gone select tg_table_name, count(*) from old_rows; return null; end $$`.execute(lab.db);
  for (const table of grown)
    await sql`create trigger note_gone after delete on ${sql.table(table)} referencing old table as old_rows
      for each statement execute function note_gone()`.execute(lab.db);
  await sql`insert into list_change (subject) select 'copy' from generate_series(1, 5100)`.execute(lab.db);
  await sql`insert into throughput_sample (minute, account_id, bytes)
    select now() - interval '1 day', n, 1 from generate_series(1, 5100) n`.execute(lab.db);
  await sql`insert into counted_attempt (attempt, account_id, bytes, counted)
    select gen_random_uuid(), 1, 1, now() - interval '2 days' from generate_series(1, 5100)`.execute(lab.db);
  await sql`insert into call_count (kind, caller, window_ends, issued)
    select 'logins', n, now() - interval '1 day', 1 from generate_series(1, 5100) n`.execute(lab.db);
  await deleteExpired(lab.db, { jobMinutes: 0, eventDays: 0 });
  const { rows } = await sql<{ relation: string; sum: number; max: number }>`
    select relation, sum(count)::integer as sum, max(count) as max from gone group by relation order by relation`.execute(
    lab.db,
  );
  expect(rows.map(({ relation }) => relation)).toEqual(grown.toSorted());
  for (const { sum, max } of rows) {
    expect(sum).toBeGreaterThanOrEqual(5100);
    expect(max).toBeLessThanOrEqual(5000);
  }
});

test('settings say how long rows are kept, and take whole numbers only', () => {
  expect(retentionOf({})).toEqual({ jobMinutes: 1440, eventDays: 15 });
  expect(retentionOf({ 'job.expire.minutes': '10', 'event.purge.delay': '0' })).toEqual({
    jobMinutes: 10,
    eventDays: 0,
  });
  const setting = findConfiguration('job.expire.minutes', PROTOCOLS);
  expect(setting?.scope).toBe('Global');
  expect(setting?.read(' 007 ')).toBe('7');
  for (const wrong of ['-1', '1.5', 'a day', '99999999999', ''])
    expect(() => setting?.read(wrong)).toThrow('is not a whole number');
});
