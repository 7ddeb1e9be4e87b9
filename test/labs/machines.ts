/** Virtual machines in the control lab: their rows as the API writes them, and their jobs. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Row } from '../../db/tables.ts';
import { vmWorkflowId } from '../../model/names.ts';
import type { VmCommand, VmJobParameters } from '../../model/vm-payloads.ts';
import { waitForEnd } from '../../orchestration/workflow-status.ts';
import { sealAtRest } from '../../trust/at-rest.ts';
import { until } from '../support/until.ts';
import type { ControlLab } from './control.ts';

export interface NewMachine {
  readonly templateId: string;
  /** The template is an ISO. */
  readonly iso?: boolean;
  /** Bytes of the disk. Default 4000. */
  readonly size?: number;
  /** Default shared. */
  readonly storage?: 'shared' | 'local';
  readonly hostTags?: readonly string[];
  readonly storageTags?: readonly string[];
  /** Megabytes. Default 256. */
  readonly memory?: number;
  readonly cpus?: number;
  readonly userData?: string;
  /** The name by which hosts offer its network. Default: the zone's. */
  readonly network?: string;
}

export interface MachineLab {
  /** Writes the rows of a machine. @returns its UUID */
  add(machine: NewMachine): Promise<string>;
  /** Requests a job. @returns the job's UUID */
  request(vmId: string, command: VmCommand, parameters?: VmJobParameters): Promise<string>;
  /** Requests a job, and waits for its end. */
  perform(vmId: string, command: VmCommand, parameters?: VmJobParameters): Promise<Row<'async_job'>>;
  row(vmId: string): Promise<Row<'vm_instance'>>;
  disk(vmId: string): Promise<Row<'volumes'>>;
  /** Waits until the machine waits for a reason that matches. */
  waiting(vmId: string, reason: RegExp): Promise<void>;
  /** Waits until the workflow of the machine has ended. */
  ended(vmId: string): Promise<void>;
  hostId(host: { readonly hostId: string }): Promise<number>;
  events(vmId: string): Promise<readonly Row<'event'>[]>;
}

export function openMachines(lab: ControlLab): MachineLab {
  const { db, orchestration, masterKey, temporal } = lab;
  const request: MachineLab['request'] = async (vmId, command, parameters = {}) => {
    const { uuid } = await db
      .insertInto('async_job')
      .values((eb) => ({
        account_id: eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('account_id'),
        user_id: eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('user_id'),
        job_cmd: command,
        job_params: JSON.stringify(parameters),
        instance_type: 'VirtualMachine',
        instance_uuid: vmId,
      }))
      .returning('uuid')
      .executeTakeFirstOrThrow();
    await orchestration.requestVm(vmId);
    return uuid;
  };
  return {
    async add(machine) {
      const { id: offering } = await db
        .insertInto('service_offering')
        .values({
          name: 'offering',
          display_text: 'offering',
          cpu: 1,
          speed: 100,
          ram_size: 256,
          storage_type: machine.storage ?? 'shared',
          host_tags: [...(machine.hostTags ?? [])],
          storage_tags: [...(machine.storageTags ?? [])],
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const template = await db
        .selectFrom('vm_template')
        .where('uuid', '=', machine.templateId)
        .select(['id', 'account_id'])
        .executeTakeFirstOrThrow();
      const user = await db.selectFrom('user').select('id').executeTakeFirstOrThrow();
      const zone = await db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
      const uuid = randomUUID();
      const isIso = machine.iso === true;
      const { userData } = machine;
      const vm = await db
        .insertInto('vm_instance')
        .values({
          uuid,
          name: `vm-${uuid.slice(0, 8)}`,
          display_name: `vm-${uuid.slice(0, 8)}`,
          instance_name: `i-${uuid}-VM`,
          account_id: template.account_id,
          user_id: user.id,
          data_center_id: zone.id,
          service_offering_id: offering,
          cpu: machine.cpus ?? 1,
          speed: 100,
          ram_size: machine.memory ?? 256,
          template_id: template.id,
          iso_id: isIso ? template.id : null,
          vnc_password_sealed: await sealAtRest(masterKey, { use: 'vnc password', vm: uuid }, 'hunter22'),
          user_data_sealed:
            userData === undefined
              ? null
              : await sealAtRest(masterKey, { use: 'vm user data', vm: uuid }, userData),
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      await db
        .insertInto('volumes')
        .values({
          name: 'ROOT',
          account_id: template.account_id,
          data_center_id: zone.id,
          vm_id: vm.id,
          template_id: isIso ? null : template.id,
          size: machine.size ?? 4000,
        })
        .execute();
      await db
        .insertInto('nics')
        .values({
          vm_id: vm.id,
          network_id: await networkOf(lab, machine.network ?? null),
          device_id: 0,
          default_nic: true,
          mac_address: `02:00:${[...randomBytes(4)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
        })
        .execute();
      return uuid;
    },

    request,
    perform: async (vmId, command, parameters) => lab.finished(await request(vmId, command, parameters)),

    row: (vmId) =>
      db.selectFrom('vm_instance').where('uuid', '=', vmId).selectAll().executeTakeFirstOrThrow(),

    disk: (vmId) =>
      db
        .selectFrom('volumes')
        .where('vm_id', 'in', (eb) => eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('id'))
        .selectAll()
        .executeTakeFirstOrThrow(),

    waiting: (vmId, reason) =>
      until(`the machine waits: ${reason.source}`, async () => {
        const { memo } = await temporal.client.workflow.getHandle(vmWorkflowId(vmId)).describe();
        const { wait } = (memo ?? {}) as { readonly wait?: { readonly reason: string } | null };
        return wait && reason.test(wait.reason) ? true : undefined;
      }).then(() => undefined),

    ended: (vmId) => waitForEnd(temporal.client, vmWorkflowId(vmId)),

    async hostId({ hostId }) {
      const host = await db
        .selectFrom('host')
        .where('uuid', '=', hostId)
        .select('id')
        .executeTakeFirstOrThrow();
      return host.id;
    },

    events: (vmId) =>
      db.selectFrom('event').where('resource_uuid', '=', vmId).selectAll().orderBy('id').execute(),
  };
}

/** A network by the name by which hosts offer it. */
async function networkOf({ db }: ControlLab, hostNetwork: string | null): Promise<number> {
  const found = await db
    .selectFrom('networks')
    .where('host_network', hostNetwork === null ? 'is' : '=', hostNetwork)
    .select('id')
    .executeTakeFirst();
  if (found !== undefined) return found.id;
  const { id } = await db
    .insertInto('networks')
    .values((eb) => ({
      name: hostNetwork ?? 'default',
      display_text: hostNetwork ?? 'default',
      network_offering_id: eb
        .selectFrom('network_offerings')
        .where('name', '=', 'DefaultL2NetworkOffering')
        .select('id'),
      data_center_id: eb.selectFrom('data_center').select('id').limit(1),
      account_id: eb.selectFrom('account').select('id').limit(1),
      host_network: hostNetwork,
    }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
