/** What hosts report of their domains, and what becomes of it. */
import { CONTROL_QUEUE, domainsWorkflowId, workflowTypes } from '../../../model/names.ts';
import { forgetPower, recordDomains } from '../../../db/vms/domains.ts';
import { databaseTime } from '../../../db/database.ts';
import type { DomainState } from '../../../model/vms.ts';
import { openControlLab } from '../../labs/control.ts';
import type { ControlLab } from '../../labs/control.ts';
import { openMachines } from '../../labs/machines.ts';
import type { MachineLab } from '../../labs/machines.ts';
import type { ScriptedHost } from '../../support/scripted-host.ts';
import { until } from '../../support/until.ts';

let lab: ControlLab;
let machines: MachineLab;
let host: ScriptedHost;
let other: ScriptedHost;
let vmId: string;
beforeAll(async () => {
  lab = await openControlLab();
  machines = openMachines(lab);
  host = await lab.addHost({ name: 'host', pool: 'pool' });
  vmId = await machines.add({ templateId: await lab.addTemplate() });
  await machines.perform(vmId, 'deployVirtualMachine');
  other = await lab.addHost({ name: 'other', pool: 'pool' });
});
afterAll(() => lab.close());

async function compare({ hostId }: ScriptedHost): Promise<void> {
  const handle = await lab.temporal.client.workflow.start(workflowTypes.domains, {
    taskQueue: CONTROL_QUEUE,
    workflowId: domainsWorkflowId(hostId),
    args: [{ v: 1, hostId }],
  });
  await handle.result();
}

const lastEvent = async () => (await machines.events(vmId)).at(-1);

test.each([
  ['shutoff', 'PowerOff', /has stopped, not by Bypass/],
  ['crashed', 'PowerOff', /has crashed/],
  ['absent', 'PowerReportMissing', /is not defined any more/],
] as const)('a domain that is %s: the machine is stopped, with an event', async (state, power, event) => {
  if (state === 'absent') host.machines.domains.delete(vmId);
  else host.machines.domains.set(vmId, state);
  await compare(host);
  expect(await machines.row(vmId)).toMatchObject({ state: 'Stopped', power_state: power });
  expect(await lastEvent()).toMatchObject({ type: 'VM.STOP', level: 'WARN' });
  expect((await lastEvent())?.description).toMatch(event);
  expect((await lastEvent())?.host).toMatchObject({ name: 'host' });
  host.machines.domains.set(vmId, 'running');
  await compare(host);
  expect(await machines.row(vmId)).toMatchObject({ state: 'Running', power_state: 'PowerOn' });
  expect(await lastEvent()).toMatchObject({ type: 'VM.START' });
  const { domains_reported } = await lab.db
    .selectFrom('host')
    .where('uuid', '=', host.hostId)
    .select('domains_reported')
    .executeTakeFirstOrThrow();
  expect(domains_reported).not.toBeNull();
});

const reportOf = (state: DomainState, reason?: string) => ({
  v: 1 as const,
  hostId: host.hostId,
  domains: [{ vmId, state, ...(reason === undefined ? {} : { reason }) }],
});

test('a paused guest still runs, and the reason is shown', async () => {
  const at = await databaseTime(lab.db);
  await recordDomains(lab.db, reportOf('paused', 'I/O error: no space'), { at, workflowId: '' });
  expect(await machines.row(vmId)).toMatchObject({ state: 'Running', power_reason: 'I/O error: no space' });
});

test('a report of a moment before the latest change says nothing about the machine', async () => {
  const at = await databaseTime(lab.db);
  await machines.perform(vmId, 'rebootVirtualMachine');
  await lab.db.updateTable('vm_instance').set({ updated: new Date() }).where('uuid', '=', vmId).execute();
  await recordDomains(lab.db, reportOf('shutoff'), { at, workflowId: '' });
  expect((await machines.row(vmId)).state).toBe('Running');
});

test('a report during a job of the machine says nothing about it', async () => {
  // The workflow of the reboot would take the job.
  await machines.ended(vmId);
  const jobId = await lab.db
    .insertInto('async_job')
    .values((eb) => ({
      account_id: eb.selectFrom('account').select('id').limit(1),
      user_id: eb.selectFrom('user').select('id').limit(1),
      job_cmd: 'stopVirtualMachine',
      instance_type: 'VirtualMachine',
      instance_uuid: vmId,
    }))
    .returning('id')
    .executeTakeFirstOrThrow();
  const at = await databaseTime(lab.db);
  await recordDomains(lab.db, reportOf('shutoff'), { at, workflowId: '' });
  expect((await machines.row(vmId)).state).toBe('Running');
  await lab.db.deleteFrom('async_job').where('id', '=', jobId.id).execute();
});

test('a host whose libvirt does not answer says nothing about its machines', async () => {
  const at = await databaseTime(lab.db);
  const listed = { v: 1 as const, hostId: host.hostId, domains: [], problem: 'libvirtd does not run' };
  expect(await recordDomains(lab.db, listed, { at, workflowId: '' })).toBe(0);
  expect((await machines.row(vmId)).state).toBe('Running');
});

test('a domain on a host that should not have it is an error in the events, and nothing else', async () => {
  const before = await machines.row(vmId);
  other.machines.domains.set(vmId, 'running');
  await compare(other);
  await compare(other);
  other.machines.domains.clear();
  const strays = (await machines.events(vmId)).filter(({ type }) => type === 'VM.DOMAIN.STRAY');
  expect(strays).toMatchObject([{ level: 'ERROR', host: { name: 'other' } }]);
  expect(strays[0]?.description).toMatch(/belongs on another host/);
  expect((await machines.row(vmId)).host_id).toBe(before.host_id);
});

test('machines of a host that is Down are unknown, as of the last report', async () => {
  const [before, after] = await until('the machine is unknown', async () => {
    await compare(host);
    const known = await machines.row(vmId);
    // A report of the host that was on its way would say that it is Up.
    await host.setUp(false);
    await forgetPower(lab.db);
    const row = await machines.row(vmId);
    return known.power_state === 'PowerOn' && row.power_state === 'PowerUnknown' ? [known, row] : undefined;
  });
  expect(after).toMatchObject({ state: 'Running', power_state_updated: before?.power_state_updated });
});
