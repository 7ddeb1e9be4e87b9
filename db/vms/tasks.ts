/**
 * Jobs of virtual machines. The API inserts them: `instance_type` VirtualMachine, `instance_uuid` the machine's, `job_cmd`
 * the command, `job_params` a `VmJobParameters`. The workflow of the machine works on them, the oldest first, and ends each
 * here, with the state of the machine.
 *
 * The result of a job is `{"virtualmachine":{"id":<uuid>}}`: a marker, which the API replaces by the machine as the caller may
 * see it, when the caller reads the job (administrators see hosts, users do not). It is `{"virtualmachine":{}}` after a destroy
 * that expunged, and `{"success":true}` after an expunge; these the API leaves as they are.
 */
import { sql } from 'kysely';
import type { NamedHost } from '../../model/failures.ts';
import { vmJobParameters } from '../../model/messages/vms.ts';
import { read } from '../../model/messages/schema.ts';
import { jobStatus } from '../../model/states.ts';
import { VM_COMMANDS } from '../../model/vm-payloads.ts';
import type { VmCommand, VmTask } from '../../model/vm-payloads.ts';
import type { Queryable } from '../database.ts';
import { recordEvent } from '../events/events.ts';
import type { NewEvent } from '../events/events.ts';
import { completeJob } from '../jobs/jobs.ts';
import type { JobError } from '../jobs/jobs.ts';

/** `async_job.instance_type` of these jobs. */
const RESOURCE = 'VirtualMachine';

const pendingJobs = (db: Queryable) =>
  db
    .selectFrom('async_job')
    .where('instance_type', '=', RESOURCE)
    .where('job_status', '=', jobStatus.pending)
    .where('job_cmd', 'in', VM_COMMANDS);

/** All jobs of machines that wait or are under way. */
export const pendingVmJobs = (db: Queryable): Promise<readonly Omit<VmJob, 'workflowId'>[]> =>
  pendingJobs(db)
    .select((eb) => [
      eb.ref('instance_uuid').$castTo<string>().as('vmId'),
      'uuid as jobId',
      eb.ref('job_cmd').$castTo<VmCommand>().as('command'),
    ])
    .orderBy('id')
    .execute();

export interface WaitingTask {
  readonly task: VmTask;
  /** Whether another job waits that ends this one, if it is a start. */
  readonly ended: boolean;
}

/** The oldest job that waits for the machine. */
export async function nextTask(db: Queryable, vmId: string): Promise<WaitingTask | undefined> {
  const jobs = await pendingJobs(db)
    .where('instance_uuid', '=', vmId)
    .innerJoin('user', 'user.id', 'async_job.user_id')
    .select((eb) => [
      'async_job.uuid as jobId',
      eb.ref('async_job.job_cmd').$castTo<VmCommand>().as('command'),
      'user.username as by',
      'async_job.job_params as parameters',
    ])
    .orderBy('async_job.id')
    .execute();
  const [job] = jobs;
  if (job === undefined) return undefined;
  const { parameters, ...rest } = job;
  return {
    task: { ...read(vmJobParameters, parameters ?? {}).value, ...rest },
    ended: jobs.some(({ command }) => ENDING.includes(command)),
  };
}

/** Commands that end a start. */
const ENDING: readonly VmCommand[] = ['stopVirtualMachine', 'destroyVirtualMachine', 'expungeVirtualMachine'];

/** The job, if any, that ends the start of this machine. */
export const endingTask = (
  db: Queryable,
  vmId: string,
): Promise<{ readonly command: VmCommand; readonly by: string } | undefined> =>
  pendingJobs(db)
    .where('instance_uuid', '=', vmId)
    .where('job_cmd', 'in', ENDING)
    .innerJoin('user', 'user.id', 'async_job.user_id')
    .select((eb) => [eb.ref('async_job.job_cmd').$castTo<VmCommand>().as('command'), 'user.username as by'])
    .orderBy('async_job.id')
    .executeTakeFirst();

/** Of a row of `vm_instance`: whether a job of the machine is under way. */
export const isAtWork = sql<boolean>`exists (
  select from async_job j where j.instance_uuid = vm_instance.uuid and j.instance_type = ${sql.lit(RESOURCE)}
    and j.job_status = 0 and j.job_cmd = any(${sql.val([...VM_COMMANDS])}))`;

export interface NamedMachine {
  readonly vmId: string;
  readonly name: string;
}

/**
 * Machines that a workflow should work on, and that have not changed for so long: a job waits for them, or a host has not
 * confirmed that it has nothing of a failed deployment.
 */
export async function machinesToAttend(
  db: Queryable,
  idleSeconds: number,
  limit: number,
): Promise<readonly NamedMachine[]> {
  const { rows } = await sql<NamedMachine>`
    select uuid as "vmId", display_name as name from (
      select vm.uuid, vm.display_name from async_job job join vm_instance vm on vm.uuid = job.instance_uuid
      where job.instance_type = ${sql.lit(RESOURCE)} and job.job_status = 0
        and job.job_cmd = any(${[...VM_COMMANDS]}::text[])
        and job.created < now() - make_interval(secs => ${idleSeconds})
      union
      select uuid, display_name from vm_instance
      where state = 'Error' and host_id is not null and removed is null
        and updated < now() - make_interval(secs => ${idleSeconds})) machine
    order by random() limit ${limit}`.execute(db);
  return rows;
}

/**
 * Makes jobs that expunge machines: those that were destroyed so long ago, and those whose expunge was given up. What has waited
 * the longest comes first; an expunge that is given up again and again keeps no other machine from its turn.
 * @returns the machines, at most `limit`
 */
export async function expungeLater(
  db: Queryable,
  delaySeconds: number,
  limit: number,
): Promise<readonly NamedMachine[]> {
  const { rows } = await sql<NamedMachine>`
    with due as (
      select uuid, display_name, account_id, user_id from vm_instance
      where removed is null and state in ('Destroyed', 'Expunging') and not ${isAtWork}
        and (state = 'Expunging'
          or (state = 'Destroyed' and destroyed < now() - make_interval(secs => ${delaySeconds})))
      order by updated, id limit ${limit}
      for update skip locked),
    jobs as (
      insert into async_job (account_id, user_id, job_cmd, job_params, instance_type, instance_uuid)
      select account_id, user_id, 'expungeVirtualMachine', '{}', ${RESOURCE}, uuid from due)
    select uuid as "vmId", display_name as name from due`.execute(db);
  return rows;
}

/** CloudStack's names of the events. */
const EVENTS: Readonly<Record<VmCommand, string>> = {
  deployVirtualMachine: 'VM.CREATE',
  startVirtualMachine: 'VM.START',
  stopVirtualMachine: 'VM.STOP',
  rebootVirtualMachine: 'VM.REBOOT',
  destroyVirtualMachine: 'VM.DESTROY',
  expungeVirtualMachine: 'VM.EXPUNGE',
  restoreVirtualMachine: 'VM.RESTORE',
  attachIso: 'ISO.ATTACH',
  detachIso: 'ISO.DETACH',
};

/** A job of a machine, and the workflow that works on it. */
export interface VmJob {
  readonly vmId: string;
  readonly jobId: string;
  readonly command: VmCommand;
  readonly workflowId: string;
}

export type VmJobEnd =
  | {
      readonly description: string;
      readonly host?: NamedHost;
      /** The machine is gone. */
      readonly expunged?: boolean;
    }
  | { readonly error: JobError; readonly description: string };

/** Ends a job of a machine, with its event. Doing it again changes nothing. */
export async function endTask(tx: Queryable, job: VmJob, end: VmJobEnd): Promise<void> {
  const { vmId, jobId, command, workflowId } = job;
  await recordVmEvent(tx, vmId, {
    type: EVENTS[command],
    level: 'error' in end ? 'ERROR' : 'INFO',
    description: end.description,
    ...hostOf('error' in end ? end.error : end),
    workflowId,
    once: `vm job:${jobId}`,
    jobId,
  });
  await completeJob(
    tx,
    jobId,
    'error' in end ? { error: end.error } : { result: resultOf(job, end.expunged) },
  );
}

const hostOf = ({ host }: { readonly host?: NamedHost }): { readonly host?: NamedHost } =>
  host === undefined ? {} : { host };

function resultOf({ vmId, command }: VmJob, expunged = false): object {
  if (command === 'expungeVirtualMachine') return { success: true };
  return { virtualmachine: expunged ? {} : { id: vmId } };
}

type VmEvent = Pick<NewEvent, 'type' | 'level' | 'description' | 'host' | 'workflowId' | 'once'> & {
  /** Its user is the event's. */
  readonly jobId?: string;
};

/** Records an event about a machine, for its owner's account. */
export function recordVmEvent(tx: Queryable, vmId: string, { jobId, ...event }: VmEvent): Promise<void> {
  const account = sql<number>`(select account_id from vm_instance where uuid = ${vmId})`;
  const user =
    jobId === undefined ? {} : { user: sql<number>`(select user_id from async_job where uuid = ${jobId})` };
  return recordEvent(tx, {
    ...event,
    resourceType: RESOURCE,
    resourceUuid: vmId,
    ids: { account, ...user },
  });
}
