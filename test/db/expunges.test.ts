/** Machines that upkeep has expunged: as many as a look may, and each in its turn. */
import { sql } from 'kysely';
import { completeJob } from '../../db/jobs/jobs.ts';
import { expungeLater } from '../../db/vms/tasks.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

const HOUR = 3600;

let lab: DbLab;
let templateId: number;
beforeAll(async () => {
  lab = await openDbLab();
  ({ id: templateId } = await lab.addTemplate());
});
afterAll(() => lab.close());

/** A machine that came into its state so many hours ago. */
const add = (name: string, state: 'Destroyed' | 'Expunging' | 'Stopped', hours: number) =>
  sql`
    insert into vm_instance (name, display_name, instance_name, account_id, user_id, data_center_id, service_offering_id,
      cpu, ram_size, template_id, state, destroyed, updated)
    select ${name}, ${name}, ${name}, ${lab.account.id}, ${lab.user.id}, ${lab.zone.id}, min(id), 1, 512, ${templateId},
      ${state}, case when ${state} = 'Destroyed' then now() - make_interval(hours => ${hours}) end,
      now() - make_interval(hours => ${hours})
    from service_offering`.execute(lab.db);

const look = async (limit: number): Promise<readonly string[]> =>
  (await expungeLater(lab.db, HOUR, limit)).map(({ name }) => name);

test('a look takes the longest destroyed first, the next look the rest, and what is given up keeps no other waiting', async () => {
  await add('young', 'Destroyed', 0);
  await add('kept', 'Stopped', 90);
  await add('third', 'Destroyed', 2);
  await add('first', 'Destroyed', 9);
  await add('second', 'Expunging', 5);
  expect(await look(2)).toEqual(['first', 'second']);
  // Their jobs are under way.
  expect(await look(2)).toEqual(['third']);
  expect(await look(2)).toEqual([]);
  // The expunges of two are given up, and they are due again: after what came meanwhile.
  const { rows: jobs } = await sql<{ uuid: string }>`
    select job.uuid from async_job job join vm_instance vm on vm.uuid = job.instance_uuid
    where vm.name in ('first', 'second')`.execute(lab.db);
  for (const { uuid } of jobs)
    await completeJob(lab.db, uuid, { error: { code: 530, text: 'no host is Up' } });
  await sql`update vm_instance set state = 'Expunging', updated = now() where name in ('first', 'second')`.execute(
    lab.db,
  );
  await add('fourth', 'Destroyed', 3);
  expect(await look(1)).toEqual(['fourth']);
  expect((await look(5)).toSorted()).toEqual(['first', 'second']);
});
