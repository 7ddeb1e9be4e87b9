/**
 * What hosts report of domains, and what follows for the rows of machines: libvirt is the truth about a domain. A report
 * changes a row only when no job of the machine is under way, and the row has not changed since the host was asked. A domain
 * on another host than the machine's is an event, and changes nothing: it is not adopted silently, and while it is there
 * the machine is not started (placement.ts).
 */
import { sql } from 'kysely';
import type { DomainReport, DomainState, NicAddresses, PowerState, VmState } from '../../model/vms.ts';
import type { ListDomainsResult } from '../../model/vm-payloads.ts';
import { databaseTime } from '../database.ts';
import type { Database, Queryable } from '../database.ts';
import { isUp } from '../hosts/hosts.ts';
import { idOf } from './ids.ts';
import { isAtWork, recordVmEvent } from './tasks.ts';

/** Records the addresses of a machine's network cards. Those that the user gave stay. */
export async function recordAddresses(
  tx: Queryable,
  vmId: string,
  addresses: readonly NicAddresses[],
): Promise<void> {
  for (const { mac, ip4, ip6 } of addresses) {
    if (ip4 === undefined && ip6 === undefined) continue;
    await tx
      .updateTable('nics')
      .set({
        ...(ip4 === undefined ? {} : { ip4_address: ip4 }),
        ...(ip6 === undefined ? {} : { ip6_address: ip6 }),
      })
      .where('vm_id', '=', idOf(vmId))
      .where('mac_address', '=', mac)
      .where('removed', 'is', null)
      .where('addresses_given', '=', false)
      .execute();
  }
}

/** The host's name, and the time before its domains are listed; undefined when there is no such host. */
export async function beforeDomains(
  db: Queryable,
  hostId: string,
): Promise<{ readonly name: string; readonly at: string } | undefined> {
  const host = await db.selectFrom('host').where('uuid', '=', hostId).select('name').executeTakeFirst();
  return host && { name: host.name, at: await databaseTime(db) };
}

const POWER: Readonly<Record<DomainState, PowerState>> = {
  running: 'PowerOn',
  paused: 'PowerOn',
  shutdown: 'PowerOn',
  shutoff: 'PowerOff',
  crashed: 'PowerOff',
  absent: 'PowerReportMissing',
};

/**
 * Records what a host reports of all its domains.
 * @param at before the host was asked, by the database's clock
 * @returns the number of machines whose state changed
 */
export async function recordDomains(
  db: Database,
  { hostId, domains, problem }: ListDomainsResult,
  { at, workflowId }: { readonly at: string; readonly workflowId: string },
): Promise<number> {
  if (problem !== undefined) return 0;
  const reports = new Map(domains.map((report) => [report.vmId, report]));
  const machines = await machinesOfHost(db, hostId);
  let changes = 0;
  for (const machine of machines) {
    const report = reports.get(machine.vmId) ?? { vmId: machine.vmId, state: 'absent' };
    if (await recordDomain(db, machine, report, { at, workflowId })) changes += 1;
  }
  const own = new Set(machines.map(({ vmId }) => vmId));
  const strays = domains.filter(({ vmId, state }) => !own.has(vmId) && state !== 'absent');
  const found: string[] = [];
  for (const stray of strays) {
    if (await reportStray(db, hostId, stray, { at, workflowId })) found.push(stray.vmId);
  }
  await noteStrays(db, hostId, found);
  await db
    .updateTable('host')
    .set({ domains_reported: sql`now()` })
    .where('uuid', '=', hostId)
    .execute();
  return changes;
}

interface Machine {
  readonly vmId: string;
  readonly name: string;
  readonly hostId: string;
  readonly hostName: string;
}

const machinesOfHost = (db: Queryable, hostId: string): Promise<readonly Machine[]> =>
  db
    .selectFrom('vm_instance')
    .innerJoin('host', 'host.id', 'vm_instance.host_id')
    .where('host.uuid', '=', hostId)
    .where('vm_instance.removed', 'is', null)
    .select([
      'vm_instance.uuid as vmId',
      'vm_instance.display_name as name',
      'host.uuid as hostId',
      'host.name as hostName',
    ])
    .orderBy('vm_instance.id')
    .execute();

interface Moment {
  readonly at: string;
  readonly workflowId: string;
}

const recordDomain = (
  db: Database,
  { vmId, name, hostId, hostName }: Machine,
  report: DomainReport,
  { at, workflowId }: Moment,
): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('vm_instance')
      .where('uuid', '=', vmId)
      .where('updated', '<=', sql<Date>`${at}::timestamptz`)
      .where(sql<boolean>`not ${isAtWork}`)
      .select(['state', 'generation'])
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return false;
    const power = POWER[report.state];
    const state = stateBy(row.state, power);
    const changed = state !== row.state;
    await tx
      .updateTable('vm_instance')
      .set({
        state,
        power_state: power,
        power_reason: report.reason ?? null,
        power_state_updated: sql<Date>`now()`,
        ...(changed ? { phase: null, updated: sql<Date>`now()` } : {}),
      })
      .where('uuid', '=', vmId)
      .execute();
    await recordAddresses(tx, vmId, report.addresses ?? []);
    if (changed) {
      await recordVmEvent(tx, vmId, {
        type: state === 'Running' ? 'VM.START' : 'VM.STOP',
        level: state === 'Running' ? 'INFO' : 'WARN',
        description: `Virtual machine ${name} ${HOW[report.state]}, not by Bypass${report.reason === undefined ? '' : `: ${report.reason}`}`,
        host: { id: hostId, name: hostName },
        workflowId,
        once: `domain:${vmId}:${at}`,
      });
    }
    return changed;
  });

const HOW: Readonly<Record<DomainState, string>> = {
  running: 'was started',
  paused: 'was started, and is paused,',
  shutdown: 'shuts down',
  shutoff: 'has stopped',
  crashed: 'has crashed',
  absent: 'is not defined any more',
};

/** Destroyed machines, and those in Error, stay what they are. */
function stateBy(state: VmState, power: PowerState): VmState {
  if (power === 'PowerOn')
    return state === 'Stopped' || state === 'Stopping' || state === 'Starting' ? 'Running' : state;
  return state === 'Running' || state === 'Stopping' || state === 'Starting' ? 'Stopped' : state;
}

/** Remembers the strays of a host, in place of those of its report before. */
const noteStrays = (db: Database, hostId: string, vmIds: readonly string[]): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const host = sql<number>`(select id from host where uuid = ${hostId})`;
    await tx.deleteFrom('stray_domain').where('host_id', '=', host).execute();
    if (vmIds.length === 0) return;
    await tx
      .insertInto('stray_domain')
      .values(vmIds.map((vmId) => ({ vm_uuid: vmId, host_id: host })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });

/** Whether a host has a domain of this machine that it should not have. */
export async function isAstray(db: Queryable, vmId: string): Promise<boolean> {
  const found = await db
    .selectFrom('stray_domain')
    .where('vm_uuid', '=', vmId)
    .select('host_id')
    .executeTakeFirst();
  return found !== undefined;
}

/**
 * Records an event, once a day, about a machine that its own host does not have, as far as is known, on a host.
 * @returns false when the report is older than what is known of the machine, or a job of it is under way
 */
async function reportStray(
  db: Queryable,
  hostId: string,
  { vmId, state }: DomainReport,
  { at, workflowId }: Moment,
): Promise<boolean> {
  const machine = await db
    .selectFrom('vm_instance')
    .leftJoin('host as home', 'home.id', 'vm_instance.host_id')
    .where('vm_instance.uuid', '=', vmId)
    .where('vm_instance.updated', '<=', sql<Date>`${at}::timestamptz`)
    .where(sql<boolean>`not ${isAtWork}`)
    .select(['vm_instance.display_name as name', 'home.name as home', 'vm_instance.removed'])
    .executeTakeFirst();
  const { name: hostName } = await db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select('name')
    .executeTakeFirstOrThrow();
  if (machine === undefined) {
    const known = await db.selectFrom('vm_instance').where('uuid', '=', vmId).select('id').executeTakeFirst();
    if (known !== undefined) return false;
  }
  const whose =
    machine === undefined || machine.removed !== null
      ? 'which Bypass does not know'
      : machine.home === null
        ? 'which no host should have'
        : 'which belongs on another host';
  await recordVmEvent(db, vmId, {
    type: 'VM.DOMAIN.STRAY',
    level: 'ERROR',
    description: `A host has a domain (${state}) of virtual machine ${machine?.name ?? vmId}, ${whose}: look at it with virsh, and undefine it`,
    host: { id: hostId, name: hostName },
    workflowId,
    once: `stray:${vmId}:${hostId}:${at.slice(0, 10)}`,
  });
  return true;
}

/** Notes that it is unknown whether a machine runs that a host has, or may have. */
export async function forgetPowerOf(db: Queryable, vmId: string): Promise<void> {
  await db
    .updateTable('vm_instance')
    .set({ power_state: 'PowerUnknown', updated: sql`now()` })
    .where('uuid', '=', vmId)
    .where('host_id', 'is not', null)
    .execute();
}

/** Notes that the states of machines of hosts that are Down are unknown; `power_state_updated` says until when they were known. */
export async function forgetPower(db: Queryable): Promise<number> {
  const down = await db
    .selectFrom('host')
    .where(sql<boolean>`not ${isUp}`)
    .select('id')
    .execute();
  const changed = await db
    .updateTable('vm_instance')
    .set({ power_state: 'PowerUnknown' })
    .where('removed', 'is', null)
    .where('power_state', '=', 'PowerOn')
    .where(sql<boolean>`host_id = any(${down.map(({ id }) => id)}::bigint[])`)
    .executeTakeFirst();
  return Number(changed.numUpdatedRows);
}
