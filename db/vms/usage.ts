/** How much of each limited resource the machines of an account take. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';

export interface Usage {
  readonly vms: number;
  readonly cpu: number;
  /** Megabytes. */
  readonly memory: number;
  readonly volumes: number;
  /** Bytes. */
  readonly storage: number;
}

export const NOTHING: Usage = { vms: 0, cpu: 0, memory: 0, volumes: 0, storage: 0 };

/** Machines that are destroyed, or could not be made, take nothing. */
export async function usageOf(db: Queryable, accountId: number): Promise<Usage> {
  const { rows } = await sql<Usage>`
    with counted as (
      select id, cpu, ram_size from vm_instance
      where account_id = ${accountId} and removed is null and state not in ('Destroyed', 'Expunging', 'Error')),
    disks as (
      select count(*) as volumes, coalesce(sum(size), 0)::bigint as storage from volumes
      where vm_id in (select id from counted) and removed is null)
    select count(*) as vms, coalesce(sum(cpu), 0)::bigint as cpu, coalesce(sum(ram_size), 0)::bigint as memory,
      (select volumes from disks) as volumes, (select storage from disks) as storage
    from counted`.execute(db);
  return rows[0] ?? NOTHING;
}

/** What one machine takes, whatever its state. */
export async function usageOfVm(db: Queryable, vmId: number): Promise<Usage> {
  const { rows } = await sql<Usage>`
    select 1 as vms, cpu, ram_size as memory, count(v.id) as volumes, coalesce(sum(v.size), 0)::bigint as storage
    from vm_instance vm left join volumes v on v.vm_id = vm.id and v.removed is null
    where vm.id = ${vmId} group by vm.id`.execute(db);
  return rows[0] ?? NOTHING;
}

/** Machines that are not expunged and stand on a template, or have an ISO in their drive. @param templateId numeric */
export async function machinesUsing(db: Queryable, templateId: number): Promise<number> {
  const { count } = await db
    .selectFrom('vm_instance as vm')
    .where('vm.removed', 'is', null)
    .where((eb) =>
      eb.or([
        eb('vm.iso_id', '=', templateId),
        eb.exists(
          eb
            .selectFrom('volumes')
            .whereRef('volumes.vm_id', '=', 'vm.id')
            .where('volumes.removed', 'is', null)
            .where('volumes.template_id', '=', templateId)
            .select('volumes.id'),
        ),
      ]),
    )
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Machines of an account that are not expunged. */
export async function machinesOf(db: Queryable, accountId: number): Promise<number> {
  const { count } = await db
    .selectFrom('vm_instance')
    .where('account_id', '=', accountId)
    .where('removed', 'is', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
