/** Jobs that the workflow of a machine works on: the api writes them, and has the workflow look. */
import { createJob } from '../../../db/jobs/jobs.ts';
import type { Queryable } from '../../../db/database.ts';
import { findOwner, type Owner } from '../../../db/vms/accounts.ts';
import { lockAccount } from '../../../db/vms/create.ts';
import { vmWorkflowId } from '../../../model/names.ts';
import type { VmCommand, VmJobParameters } from '../../../model/vm-payloads.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import type { CommandContext } from '../../server/command.ts';
import { instantJob } from '../../server/instant-job.ts';
import { begin } from '../../server/temporal-deadline.ts';
import { type Answer, JOB, render } from '../../fields/response.ts';
import type { Machine } from './machines.ts';

interface JobOfVm {
  readonly vm: { readonly uuid: string; readonly name: string; readonly account: string };
  readonly command: VmCommand;
  readonly params: VmJobParameters;
  /** Type and sentence of its event, such as `VM.START`. */
  readonly event: readonly [type: string, description: string];
}

/** Writes the job and its event. @param tx also writes what the job is about @returns the id of the job */
export async function writeVmJob(
  tx: Queryable,
  { caller }: CommandContext,
  { vm, command, params, event: [type, description] }: JobOfVm,
): Promise<string> {
  await recordCallerEvent(
    { db: tx, caller },
    {
      type,
      state: 'Scheduled',
      description,
      accountUuid: vm.account,
      resourceType: 'VirtualMachine',
      resourceUuid: vm.uuid,
      workflowId: vmWorkflowId(vm.uuid),
    },
  );
  return createJob(tx, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: 'VirtualMachine',
    instanceUuid: vm.uuid,
    params,
  });
}

/** Has the workflow of a machine work on the jobs that are written. */
export const beginVmJob = (
  context: CommandContext,
  { uuid, name }: { readonly uuid: string; readonly name: string },
): Promise<void> => begin(context, context.orchestration.requestVm(uuid, name));

/**
 * A job that is done: CloudStack answers one where Bypass needs only the database. Its result is the marker of
 * db/vms/tasks.ts, in the place of which the machine is answered.
 * @returns its id
 */
export const vmJobDone = (context: CommandContext, { uuid }: { readonly uuid: string }): Promise<string> =>
  instantJob(context, { type: 'VirtualMachine', uuid }, { virtualmachine: { id: uuid } });

interface Ordered extends Omit<JobOfVm, 'vm'> {
  /** Checks what must hold when the job is written. The account is locked meanwhile. */
  readonly check?: (tx: Queryable, owner: Owner) => Promise<void>;
}

/** Writes a job of a machine, begins it, and answers its id. */
export async function answerVmJob(
  context: CommandContext,
  machine: Pick<Machine, 'uuid' | 'name' | 'account_id'>,
  { check, ...job }: Ordered,
): Promise<Answer> {
  const owner = await findOwner(context.db, machine.account_id);
  const jobid = await context.db.transaction().execute(async (tx) => {
    if (check !== undefined) {
      await lockAccount(tx, owner.id);
      await check(tx, owner);
    }
    return writeVmJob(tx, context, {
      ...job,
      vm: { uuid: machine.uuid, name: machine.name, account: owner.uuid },
    });
  });
  await beginVmJob(context, machine);
  return render(JOB, { jobid }, context.caller);
}

/** Records what a command changed without a workflow. @param type such as `VM.UPDATE` */
export async function recordVmEvent(
  db: Queryable,
  { caller }: CommandContext,
  machine: Pick<Machine, 'uuid' | 'account_id'>,
  [type, description]: readonly [type: string, description: string],
): Promise<void> {
  const { uuid: accountUuid } = await findOwner(db, machine.account_id);
  await recordCallerEvent(
    { db, caller },
    { type, description, accountUuid, resourceType: 'VirtualMachine', resourceUuid: machine.uuid },
  );
}
