/** resetSSHKeyForVirtualMachine and resetUserDataForVirtualMachine: what the guest of a stopped machine finds at its next start. */
import { changeVm, type VmChanges } from '../../../db/vms/update.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { checkDomain } from '../../fields/owners.ts';
import { id, list, map, required, text } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { userDataParameter } from '../../fields/user-data.ts';
import { keyColumns, keyNames, userDataColumns } from './first-boot.ts';
import { type Machine, machineNamed, nameOf } from './machines.ts';
import { recordVmEvent, vmJobDone } from './vm-job.ts';

interface Reset {
  readonly changes: VmChanges;
  /** The end of CloudStack's sentence for a machine that is not stopped, such as `SSH Key reset`. */
  readonly what: string;
  readonly event: readonly [type: string, description: string];
}

/** @throws ApiError 431 when the machine is not stopped @returns the id of a job that is done */
async function reset(
  context: CommandContext,
  machine: Machine,
  { changes, what, event }: Reset,
): Promise<string> {
  await context.db.transaction().execute(async (tx) => {
    if (!(await changeVm(tx, machine.id, ['Stopped', 'Error'], changes))) throw notStopped(machine, what);
    await recordVmEvent(tx, context, machine, event);
  });
  return vmJobDone(context, machine);
}

const notStopped = (machine: Machine, what: string): ApiError =>
  new ApiError(apiCodes.parameter, `Vm ${nameOf(machine)} should be stopped to do ${what}`, {
    parameter: 'id',
  });

function requireStopped(machine: Machine, what: string): void {
  if (machine.state !== 'Stopped' && machine.state !== 'Error') throw notStopped(machine, what);
}

export const resetSshKeyForVirtualMachine = defineCommand({
  name: 'resetSSHKeyForVirtualMachine',
  since: '0.2.0',
  description: 'Gives a stopped virtual machine other SSH key pairs; the guest gets them at its next start.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the machine')),
    keypair: text('an SSH key pair, by its name'),
    keypairs: list('SSH key pairs, by their names'),
    account: text('accepted for other clients: the key pairs are those of the account of the machine'),
    domainid: id('the domain of that account; there is one, ROOT'),
  },
  response: JOB,
  async run(context, values) {
    await checkDomain(context, values.domainid);
    const machine = await machineNamed(context, 'id', values.id);
    requireStopped(machine, 'SSH Key reset');
    const names = keyNames(values);
    if (names.length === 0) {
      throw new ApiError(apiCodes.parameter, "'keypair' or 'keyparis' must be specified", {
        parameter: 'keypairs',
      });
    }
    const jobid = await reset(context, machine, {
      changes: await keyColumns(context, machine.account_id, names),
      what: 'SSH Key reset',
      event: [
        'VM.RESETSSHKEY',
        `SSH keys of virtual machine '${machine.name}' were set: ${names.join(', ')}`,
      ],
    });
    return render(JOB, { jobid }, context.caller);
  },
});

export const resetUserDataForVirtualMachine = defineCommand({
  name: 'resetUserDataForVirtualMachine',
  since: '0.2.0',
  description: 'Gives a stopped virtual machine other user data; the guest gets it at its next start.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the machine')),
    userdata: userDataParameter('user data, as base64; empty: none'),
    userdataid: id('registered user data'),
    userdatadetails: map('values of variables of the user data, which has them as {{ ds.meta_data.NAME }}'),
  },
  response: JOB,
  async run(context, values) {
    const machine = await machineNamed(context, 'id', values.id);
    requireStopped(machine, 'UserData reset');
    const owned = { vm: machine.uuid, accountId: machine.account_id };
    const changes = await userDataColumns(context, owned, values);
    if (changes === undefined)
      throw badParameter(
        'userdata',
        'or userdataid must be given; an empty userdata takes away what there is.',
      );
    const jobid = await reset(context, machine, {
      changes,
      what: 'UserData reset',
      event: ['VM.RESETUSERDATA', `User data of virtual machine '${machine.name}' was set`],
    });
    return render(JOB, { jobid }, context.caller);
  },
});
