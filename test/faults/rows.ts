/** What a fault run reads of the database, as it is at one moment. */
import { sql } from 'kysely';
import type { Database } from '../../db/database.ts';

export interface CopyRow {
  readonly uuid: string;
  readonly template: string;
  readonly templateId: string;
  readonly poolId: string;
  readonly path: string;
  readonly state: string;
  readonly errorKind: string | null;
  readonly error: string | null;
  readonly cancelled: boolean;
  readonly installPath: string | null;
  readonly size: number;
  readonly created: Date;
  readonly updated: Date;
  /** Names of hosts. */
  readonly host: string | null;
  readonly parent: string | null;
  readonly fetching: 'origin' | 'peer' | null;
}

export async function copiesIn(db: Database, zoneId: string): Promise<readonly CopyRow[]> {
  const { rows } = await sql<CopyRow>`
    select copy.uuid, template.name as template, template.uuid as "templateId", pool.uuid as "poolId",
      (select min(mount.local_path) from storage_pool_host_ref mount where mount.pool_id = pool.id) as path, copy.state, copy.error_kind as "errorKind", copy.error_str as error,
      copy.cancelled_by is not null as cancelled, copy.install_path as "installPath",
      copy.template_size as size, copy.created, copy.last_updated as updated,
      host.name as host, parent.name as parent, copy.fetching
    from template_spool_ref copy
    join vm_template template on template.id = copy.template_id
    join storage_pool pool on pool.id = copy.pool_id
    join data_center zone on zone.id = pool.data_center_id and zone.uuid = ${zoneId}
    left join host on host.id = copy.fetch_host_id
    left join host parent on parent.id = copy.parent_host_id`.execute(db);
  return rows;
}

export interface JobRow {
  readonly uuid: string;
  readonly command: string;
  readonly status: number;
  /** What must never change once the job has ended. */
  readonly end: string | null;
}

export async function jobsIn(db: Database): Promise<readonly JobRow[]> {
  const { rows } = await sql<JobRow>`
    select uuid, job_cmd as command, job_status as status,
      case when job_status = 0 then null else concat_ws(' ', job_status, job_result_code, completed, job_result) end as "end"
    from async_job`.execute(db);
  return rows;
}

export interface FailedTry {
  readonly id: number;
  readonly template: string;
  readonly host: string;
  readonly source: string;
  readonly started: Date;
  readonly ended: Date;
  readonly bytes: number;
  readonly kind: string;
  readonly error: string | null;
}

export async function failedTriesAfter(db: Database, id: number): Promise<readonly FailedTry[]> {
  const { rows } = await sql<FailedTry>`
    select attempt.id, template.name as template, attempt.host_name as host, attempt.source, attempt.started,
      attempt.ended, attempt.bytes, attempt.failure_kind as kind, attempt.error_str as error
    from download_attempt attempt
    join template_spool_ref copy on copy.id = attempt.copy_id
    join vm_template template on template.id = copy.template_id
    where attempt.failure_kind is not null and attempt.id > ${id} order by attempt.id`.execute(db);
  return rows;
}

/** Template and pool of copies that have several rows. */
export async function copiesWithSeveralRows(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly copy: string }>`
    select concat(template_id, ' on pool ', pool_id) as copy from template_spool_ref
    group by template_id, pool_id having count(*) > 1`.execute(db);
  return rows.map(({ copy }) => copy);
}

export interface MachineRow {
  readonly uuid: string;
  readonly name: string;
  readonly state: string;
  readonly host: string | null;
  readonly error: string | null;
}

export async function machinesIn(db: Database, zoneId: string): Promise<readonly MachineRow[]> {
  const { rows } = await sql<MachineRow>`
    select vm.uuid, vm.name, vm.state, host.name as host, vm.error_str as error from vm_instance vm
    join data_center zone on zone.id = vm.data_center_id and zone.uuid = ${zoneId}
    left join host on host.id = vm.host_id
    where vm.removed is null`.execute(db);
  return rows;
}

/** Names of the disks that machines have in pools. */
export async function disksIn(db: Database): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ readonly uuid: string }>`
    select uuid from volumes where removed is null and pool_id is not null`.execute(db);
  return new Set(rows.map(({ uuid }) => uuid));
}

export async function reservations(db: Database): Promise<number> {
  const { rows } = await sql<{ readonly count: number }>`
    select count(*)::int as count from pool_reservation`.execute(db);
  return rows[0]?.count ?? 0;
}
