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

export interface AccountUsage extends Usage {
  readonly running: number;
  readonly stopped: number;
}

const NO_MACHINES: AccountUsage = { ...NOTHING, running: 0, stopped: 0 };

/** Machines that are destroyed or in Error do not count. */
export async function usageOfAccounts(
  db: Queryable,
  accountIds: readonly number[],
): Promise<(accountId: number) => AccountUsage> {
  const { rows } = await sql<AccountUsage & { readonly account_id: number }>`
    with counted as (
      select id, account_id, cpu, ram_size, state from vm_instance
      where account_id = any(${accountIds}::bigint[]) and removed is null
        and state not in ('Destroyed', 'Expunging', 'Error')),
    disks as (
      select counted.account_id, count(*) as volumes, coalesce(sum(size), 0)::bigint as storage
      from volumes join counted on counted.id = volumes.vm_id where removed is null group by counted.account_id)
    select account_id, count(*) as vms, coalesce(sum(cpu), 0)::bigint as cpu,
      coalesce(sum(ram_size), 0)::bigint as memory,
      count(*) filter (where state = 'Running') as running, count(*) filter (where state = 'Stopped') as stopped,
      coalesce(max(volumes), 0) as volumes, coalesce(max(storage), 0) as storage
    from counted left join disks using (account_id) group by account_id`.execute(db);
  const found = new Map(rows.map(({ account_id, ...usage }) => [account_id, usage]));
  return (accountId) => found.get(accountId) ?? NO_MACHINES;
}

export const usageOf = async (db: Queryable, accountId: number): Promise<Usage> =>
  (await usageOfAccounts(db, [accountId]))(accountId);

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
