/**
 * States of machines, as their workflows change them. Each change names the states that it may begin from, so that it
 * changes nothing the second time, and none undoes what came later.
 */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { VmState, VmPhase, VolumeState, PowerState } from '../../model/vms.ts';
import type { StartVmResult, VmCommand } from '../../model/vm-payloads.ts';
import type { Queryable } from '../database.ts';
import { isUp } from '../hosts/hosts.ts';
import { recordPool } from '../pools/pools.ts';
import { recordAddresses } from './domains.ts';
import { idOf } from './ids.ts';
import { isRootDisk } from './root-disk.ts';

/** What the workflow of a machine must know to begin a job. */
export interface MachineFacts {
  readonly name: string;
  readonly state: VmState;
  /** It counts as stopped, but its host was lost during a start, and has not reported since. */
  readonly mayRun?: boolean;
  readonly zoneId: string;
  /** The host that has, or may have, the domain. */
  readonly host?: { readonly hostId: string; readonly name: string; readonly up: boolean };
  readonly diskState?: VolumeState;
  readonly poolId?: string;
  readonly isoId?: string;
}

export async function machineFacts(db: Queryable, vmId: string): Promise<MachineFacts | undefined> {
  const row = await db
    .selectFrom('vm_instance as vm')
    .innerJoin('data_center', 'data_center.id', 'vm.data_center_id')
    .leftJoin('host', 'host.id', 'vm.host_id')
    .leftJoin('volumes as volume', (join) => join.on(isRootDisk))
    .leftJoin('storage_pool', 'storage_pool.id', 'volume.pool_id')
    .leftJoin('vm_template as iso', 'iso.id', 'vm.iso_id')
    .where('vm.uuid', '=', vmId)
    .where('vm.removed', 'is', null)
    .select([
      'vm.display_name as name',
      'vm.state',
      sql<boolean>`vm.state = 'Stopped' and vm.host_id is not null and vm.power_state = 'PowerUnknown'`.as(
        'mayRun',
      ),
      'data_center.uuid as zoneId',
      'host.uuid as hostId',
      'host.name as hostName',
      isUp.as('up'),
      'volume.state as diskState',
      'storage_pool.uuid as poolId',
      'iso.uuid as isoId',
    ])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { hostId, hostName, up, diskState, poolId, isoId, ...rest } = row;
  return {
    ...rest,
    ...(hostId === null || hostName === null ? {} : { host: { hostId, name: hostName, up } }),
    ...(diskState === null ? {} : { diskState }),
    ...(poolId === null ? {} : { poolId }),
    ...(isoId === null ? {} : { isoId }),
  };
}

interface Change {
  readonly state?: VmState;
  readonly phase?: VmPhase | null;
  readonly error_str?: string | null;
  readonly error_kind?: string | null;
  readonly power_state?: PowerState;
  readonly destroyed?: RawBuilder<Date>;
}

/** Changes a machine that is in one of the states. @returns whether it was */
export async function changeState(
  db: Queryable,
  vmId: string,
  from: readonly VmState[],
  change: Change,
): Promise<boolean> {
  const changed = await db
    .updateTable('vm_instance')
    .set({
      ...change,
      ...(change.power_state === undefined ? {} : { power_state_updated: sql`now()`, power_reason: null }),
      updated: sql`now()`,
    })
    .where('uuid', '=', vmId)
    .where('removed', 'is', null)
    .where('state', 'in', from)
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** States of a machine that is neither destroyed nor about to be. */
export const LIVING: readonly VmState[] = ['Starting', 'Running', 'Stopping', 'Stopped', 'Error'];

/** The columns of a machine when nothing is under way, and nothing is wrong. */
export const AT_REST = { phase: null, error_str: null, error_kind: null } as const;

/**
 * Records that a machine runs, as its host answered. A guest that stopped at once is stopped. An answer of another host than
 * the machine's changes nothing.
 * @returns the name of the machine
 */
export async function recordStarted(tx: Queryable, result: StartVmResult): Promise<string> {
  const { vmId, hostId } = result;
  const isOn = result.state === 'running' || result.state === 'paused' || result.state === 'shutdown';
  await recordPool(tx, hostId, result.pool);
  const started = await tx
    .updateTable('vm_instance')
    .set((eb) => ({
      ...AT_REST,
      state: isOn ? ('Running' as const) : ('Stopped' as const),
      power_state: isOn ? ('PowerOn' as const) : ('PowerOff' as const),
      power_reason: null,
      power_state_updated: sql<Date>`now()`,
      last_host_id: eb.ref('host_id'),
      updated: sql<Date>`now()`,
    }))
    .where('uuid', '=', vmId)
    .where('state', '=', 'Starting')
    .where('host_id', '=', sql<number>`(select id from host where uuid = ${hostId})`)
    .returning('display_name as name')
    .executeTakeFirst();
  await tx
    .updateTable('volumes')
    .set({ state: 'Ready', size: result.size, physical_size: result.physicalSize })
    .where('vm_id', '=', idOf(vmId))
    .where('removed', 'is', null)
    .where('state', 'in', ['Creating', 'Ready'])
    .execute();
  await recordAddresses(tx, vmId, result.addresses);
  return started?.name ?? nameOf(tx, vmId);
}

/** Records that no host has the machine; a disk that was never made is on no pool. */
export async function forgetPlace(tx: Queryable, vmId: string): Promise<void> {
  await tx
    .updateTable('vm_instance')
    .set({ host_id: null, updated: sql`now()` })
    .where('uuid', '=', vmId)
    .execute();
  await tx
    .updateTable('volumes')
    .set({ pool_id: null, state: 'Allocated', physical_size: 0 })
    .where('vm_id', '=', idOf(vmId))
    .where('state', '=', 'Creating')
    .execute();
}

/** A reboot of a volatile machine is a restore. */
const STARTS: readonly VmCommand[] = [
  'deployVirtualMachine',
  'startVirtualMachine',
  'restoreVirtualMachine',
  'rebootVirtualMachine',
];

/**
 * The state in which a failed job leaves a machine. A stop that failed leaves it running. A start that failed leaves it
 * stopped, or in Error if its disk was never ready.
 * @param ended by another job, or a person in Temporal
 */
export async function stateAfterFailure(
  tx: Queryable,
  { vmId, command }: { readonly vmId: string; readonly command: VmCommand },
  ended: boolean,
): Promise<VmState | undefined> {
  const row = await tx
    .selectFrom('vm_instance as vm')
    .leftJoin('volumes as volume', (join) => join.on(isRootDisk))
    .where('vm.uuid', '=', vmId)
    .where('vm.removed', 'is', null)
    .select(['vm.state', 'volume.state as disk'])
    .executeTakeFirst();
  if (row?.state === 'Stopping') return 'Running';
  if (row === undefined || !STARTS.includes(command)) return row?.state;
  if (!['Starting', 'Stopped', 'Error'].includes(row.state)) return row.state;
  return ended || row.disk === 'Ready' ? 'Stopped' : 'Error';
}

/** The name that people see. */
export async function nameOf(tx: Queryable, vmId: string): Promise<string> {
  const { name } = await tx
    .selectFrom('vm_instance')
    .where('uuid', '=', vmId)
    .select('display_name as name')
    .executeTakeFirstOrThrow();
  return name;
}
