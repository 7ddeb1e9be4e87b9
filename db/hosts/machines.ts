/** The virtual machines of a host, and what they take of it. */
import { sql } from 'kysely';
import type { VmState } from '../../model/vms.ts';
import type { Queryable } from '../database.ts';

/** States in which a machine takes processors and memory of its host. */
const RUNNING: readonly VmState[] = ['Starting', 'Running', 'Stopping'];

export interface Taken {
  readonly machines: number;
  /** MHz. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

/** Of a row of `host`. */
export const takenOf = sql<Taken>`(
  select jsonb_build_object(
    'machines', count(*),
    'cpu', coalesce(sum(v.cpu * v.speed), 0),
    'memory', coalesce(sum(v.ram_size::bigint * 1048576), 0))
  from vm_instance v
  where v.host_id = host.id and v.removed is null and v.state = any(${sql.val([...RUNNING])}))`;

export interface MachineOfHost {
  readonly id: string;
  readonly name: string;
  readonly state: VmState;
}

/** Those that run on a host, by name. @param hostId UUID of the host */
export const machinesOn = (db: Queryable, hostId: string): Promise<readonly MachineOfHost[]> =>
  db
    .selectFrom('vm_instance as v')
    .innerJoin('host', 'host.id', 'v.host_id')
    .where('host.uuid', '=', hostId)
    .where('v.removed', 'is', null)
    .where('v.state', 'in', RUNNING)
    .select(['v.uuid as id', 'v.display_name as name', 'v.state'])
    .orderBy('v.display_name')
    .orderBy('v.id')
    .execute();
