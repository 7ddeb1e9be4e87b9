/** Helpers for tests of virtual machines: what a deployment needs, and what its workflow would write. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { completeJob } from '../../db/jobs/jobs.ts';
import type { Row } from '../../db/tables.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters, TestHost } from '../labs/api.ts';

export interface Machines {
  readonly lab: Lab;
  readonly host: TestHost;
  readonly poolId: string;
  /** UUIDs. */
  readonly offering: string;
  readonly network: string;
  /** A public template with a disk of 20 GiB, and a public ISO. */
  readonly template: string;
  readonly iso: string;
  /** Parameters of a deployment that succeeds. */
  given(changes?: Parameters): Parameters;
  /** Deploys a machine. @returns its id and that of its job */
  deploy(who?: Caller, changes?: Parameters): Promise<{ readonly id: string; readonly jobid: string }>;
  /** The code and the sentence of a refused deployment. Checks that it stored nothing and started nothing. */
  refusal(changes: Parameters, who?: Caller): Promise<readonly [number, string]>;
  /** A machine in a state. @returns its id */
  vm(state: Row<'vm_instance'>['state'], who?: Caller, changes?: Parameters): Promise<string>;
  /** The code and the sentence of a refused command. Checks that it wrote no job and started nothing. */
  refused(command: string, parameters: Parameters, who?: Caller): Promise<readonly [number, string]>;
  job(jobid: string): Promise<Row<'async_job'>>;
  row(id: string): Promise<Row<'vm_instance'>>;
  /** Its disk. */
  volume(id: string): Promise<Row<'volumes'>>;
  /** What the workflow writes: the state, and the end of the machine's jobs. */
  settle(id: string, state: Row<'vm_instance'>['state']): Promise<void>;
  shown(id: string, who?: Caller): Promise<Json>;
}

export async function openMachines(): Promise<Machines> {
  const lab = await openLab();
  const { db } = lab;
  const pool = poolReport('pool1');
  const host = await addHost(lab, { name: 'kvm-hidden-7', pools: [pool] });
  const { uuid: offering } = await db
    .selectFrom('service_offering')
    .where('name', '=', 'Small Instance')
    .select('uuid')
    .executeTakeFirstOrThrow();
  const network = await addNetwork(lab);
  const { templateId: template } = await lab.template(lab.admin, { name: 'debian', isPublic: true });
  const { templateId: iso } = await lab.template(lab.admin, {
    name: 'installer',
    format: 'ISO',
    isPublic: true,
  });
  const given = (changes: Parameters = {}): Parameters => ({
    zoneid: lab.zone.uuid,
    serviceofferingid: offering,
    templateid: template,
    ...changes,
  });
  const row = (id: string) =>
    db.selectFrom('vm_instance').where('uuid', '=', id).selectAll().executeTakeFirstOrThrow();
  const settle: Machines['settle'] = async (id, state) => {
    const { id: hostId } = await db
      .selectFrom('host')
      .where('uuid', '=', host.hostId)
      .select('id')
      .executeTakeFirstOrThrow();
    await db
      .updateTable('vm_instance')
      .set({ state, phase: null, host_id: state === 'Running' ? hostId : null })
      .where('uuid', '=', id)
      .execute();
    const jobs = await db
      .selectFrom('async_job')
      .where('instance_uuid', '=', id)
      .where('job_status', '=', 0)
      .select('uuid')
      .execute();
    for (const { uuid } of jobs) await completeJob(db, uuid, { result: { virtualmachine: { id } } });
  };
  const machines: Machines = {
    lab,
    host,
    poolId: pool.id,
    offering,
    network,
    template,
    iso,
    given,
    deploy: (who = lab.user, changes = {}) => who.ok('deployVirtualMachine', given(changes)),
    refusal: (changes, who) => machines.refused('deployVirtualMachine', given(changes), who),
    async vm(state, who = lab.user, changes = {}) {
      const { id } = await machines.deploy(who, changes);
      await settle(id, state);
      lab.orchestration.forget();
      return id;
    },
    async refused(command, parameters, who = lab.user) {
      const before = await written(lab);
      const { status, inner } = await who.call(command, parameters);
      expect(await written(lab)).toEqual(before);
      return [status, inner.errortext as string];
    },
    job: (jobid) =>
      db.selectFrom('async_job').where('uuid', '=', jobid).selectAll().executeTakeFirstOrThrow(),
    row,
    volume: (id) =>
      db
        .selectFrom('volumes')
        .innerJoin('vm_instance as vm', 'vm.id', 'volumes.vm_id')
        .where('vm.uuid', '=', id)
        .selectAll('volumes')
        .executeTakeFirstOrThrow(),
    settle,
    shown: async (id, who = lab.admin) => (await who.ok('listVirtualMachines', { id })).virtualmachine[0],
  };
  return machines;
}

/** Writes a network of the zone. @returns its UUID */
export async function addNetwork(
  { db, zone, admin }: Lab,
  { owner = admin, ...changes }: Partial<Row<'networks'>> & { readonly owner?: Caller } = {},
): Promise<string> {
  const offering = await db
    .selectFrom('network_offerings')
    .where('name', '=', 'DefaultL2NetworkOffering')
    .select('id')
    .executeTakeFirstOrThrow();
  const { uuid } = await db
    .insertInto('networks')
    .values({
      uuid: randomUUID(),
      name: 'lan',
      display_text: 'lan',
      network_offering_id: offering.id,
      data_center_id: zone.id,
      account_id: owner.accountId,
      acl_type: 'Domain',
      ...changes,
    })
    .returning('uuid')
    .executeTakeFirstOrThrow();
  return uuid;
}

export const ascending = (one: number, other: number): number => one - other;

/** Counts what a refused deployment must not write, and the workflows that were asked for. */
async function written({ db, orchestration }: Lab): Promise<readonly number[]> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from vm_instance union all select count(*) from volumes union all select count(*) from nics
    union all select count(*) from async_job union all select count(*) from event
    union all select count(*) from instance_group`.execute(db);
  return [...rows.map(({ n }) => n), orchestration.asked.length];
}
