/** Machines after the database was restored to an earlier moment, while hosts and Temporal went on. */
import { CONTROL_QUEUE, domainsWorkflowId, workflowTypes } from '../../../model/names.ts';
import { recordInvite } from '../../../db/hosts/invites.ts';
import { randomUUID } from 'node:crypto';
import { openControlLab } from '../../labs/control.ts';
import type { ControlLab } from '../../labs/control.ts';
import { openMachines } from '../../labs/machines.ts';
import type { MachineLab } from '../../labs/machines.ts';
import { backUpDatabase } from '../../support/database-backup.ts';
import type { ScriptedHost } from '../../support/scripted-host.ts';
import { until } from '../../support/until.ts';

let lab: ControlLab;
let machines: MachineLab;
let host: ScriptedHost;
let other: ScriptedHost;
beforeAll(async () => {
  lab = await openControlLab();
  machines = openMachines(lab);
  host = await lab.addHost({ name: 'host', pool: 'pool' });
  other = await lab.addHost({ name: 'other', pool: 'pool' });
});
afterAll(() => lab.close());

const sweeps = async (): Promise<number> =>
  (await lab.db.selectFrom('upkeep_sweep').select('count').executeTakeFirstOrThrow()).count;

async function compare({ hostId }: ScriptedHost): Promise<void> {
  await lab.temporal.client.workflow.execute(workflowTypes.domains, {
    taskQueue: CONTROL_QUEUE,
    workflowId: domainsWorkflowId(hostId),
    args: [{ v: 1, hostId }],
  });
}

/** The host whose domain runs. */
const homeOf = (vmId: string): readonly string[] =>
  [host, other].flatMap(({ hostId, machines: { domains } }) =>
    domains.get(vmId) === 'running' ? [hostId] : [],
  );

test('a machine that was deployed after the backup is not started a second time', async () => {
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  await lab.startUpkeep();
  await until('a sweep', async () => (await sweeps()) > 0);
  // The job is in the backup, and no workflow works on it yet.
  const jobId = randomUUID();
  await lab.db
    .insertInto('async_job')
    .values((eb) => ({
      uuid: jobId,
      account_id: eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('account_id'),
      user_id: eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('user_id'),
      job_cmd: 'deployVirtualMachine',
      job_params: '{}',
      instance_type: 'VirtualMachine',
      instance_uuid: vmId,
      // Not yet so old that a sweep takes care of it.
      created: new Date(Date.now() + 3_600_000),
    }))
    .execute();
  await recordInvite(lab.db, { id: randomUUID(), secretHash: 'hash', expiresHours: 24 });
  const backup = await backUpDatabase(lab.database.url);
  const before = await until('upkeep goes on', () => sweeps().catch(() => undefined));
  await until('it has swept since', async () => (await sweeps()) > before + 1);
  await lab.orchestration.requestVm(vmId);
  await lab.finished(jobId);
  await machines.ended(vmId);
  const [home] = homeOf(vmId);
  expect(homeOf(vmId)).toHaveLength(1);
  await backup.restore();

  await until('the restored job has ended', async () => {
    const job = lab.db
      .selectFrom('async_job')
      .where('uuid', '=', jobId)
      .select('job_status')
      .executeTakeFirst();
    return (await job.catch(() => undefined))?.job_status === 2;
  });
  const { job_result: result } = await lab.finished(jobId);
  expect(JSON.stringify(result)).toMatch(/was restored to an earlier moment/);
  expect(await machines.row(vmId)).toMatchObject({ state: 'Stopped', host_id: null });
  expect(await lab.db.selectFrom('host_invite').select('uuid').execute()).toEqual([]);

  await compare(host);
  await compare(other);
  const started = await machines.perform(vmId, 'startVirtualMachine');
  expect(started.job_status).toBe(2);
  expect(JSON.stringify(started.job_result)).toMatch(/it would run twice/);
  expect(homeOf(vmId)).toEqual([home]);

  for (const {
    machines: { domains },
  } of [host, other])
    domains.delete(vmId);
  await compare(host);
  await compare(other);
  expect((await machines.perform(vmId, 'startVirtualMachine')).job_status).toBe(1);
  expect(homeOf(vmId)).toHaveLength(1);
});
