/** Inserts the rows that registrations and deployments would leave. */
import { sql } from 'kysely';
import type { Database } from '../db/database.ts';

/** Inserts templates, each with its zone, store, mirror, copy, attempt and two events. Requires an account, a zone, a host and a pool. */
export async function addTemplates(db: Database, from: number, to: number): Promise<void> {
  const range = sql`generate_series(${from}::bigint, ${to}::bigint) as n`;
  const made = sql`(select * from vm_template where unique_name in (
    select 'many-' || n from ${range})) as t`;
  await sql`
    insert into vm_template (uuid, unique_name, name, display_text, url, format, state, account_id, size, virtual_size,
      public, guest_os_id, listed)
    select gen_random_uuid(), 'many-' || n, 'template ' || n, 'one of many', 'https://mirror.test/' || n || '.qcow2',
      'QCOW2', 'Active', (select min(id) from account), 1000000, 21474836480, n % 2 = 0, (select min(id) from guest_os),
      nextval('vm_template_listed')
    from ${range}`.execute(db);
  for (const statement of [
    sql`insert into template_zone_ref (template_id, zone_id) select t.id, (select min(id) from data_center) from ${made}`,
    sql`insert into template_store_ref (template_id, size) select t.id, 1000000 from ${made}`,
    sql`insert into template_mirror (template_id, url, priority, size, ranges, reachable)
      select t.id, t.url, 1, 1000000, true, true from ${made}`,
    sql`insert into template_spool_ref (template_id, pool_id, state, download_state, download_pct, template_size,
        physical_size, install_path, last_updated)
      select t.id, (select min(id) from storage_pool), case when t.id % 100 = 0 then 'Failed' else 'Ready' end,
        case when t.id % 100 = 0 then 'DOWNLOAD_ERROR' else 'DOWNLOADED' end, 100, 1000000, 500000, t.uuid::text,
        now() - t.id * interval '1 second'
      from ${made}`,
    sql`insert into download_attempt (uuid, copy_id, host_id, host_name, sequence, source, started, ended, bytes)
      select gen_random_uuid(), c.id, h.id, h.name, 1, t.url, now() - interval '1 minute', now(), 1000000
      from (select * from host order by id limit 1) h, template_spool_ref c join ${made} on c.template_id = t.id`,
    sql`insert into event (type, level, state, description, account_id, user_id, resource_type, resource_uuid, created)
      select kind, 'INFO', 'Completed', 'Template ' || t.name, t.account_id,
        (select min(id) from "user" u where u.account_id = t.account_id), 'VirtualMachineTemplate', t.uuid,
        now() - t.id * interval '1 second'
      from unnest(array['TEMPLATE.CREATE', 'TEMPLATE.DEPLOY']) kind cross join ${made}`,
  ]) {
    await statement.execute(db);
  }
  // What autovacuum would do in time: statistics, and the visibility map.
  await sql`vacuum analyze vm_template, template_zone_ref, template_store_ref, template_mirror, template_spool_ref,
    download_attempt, event`.execute(db);
}
