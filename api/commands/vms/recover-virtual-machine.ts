import { findOwner } from '../../../db/vms/accounts.ts';
import { lockAccount } from '../../../db/vms/create.ts';
import { recoverVm } from '../../../db/vms/update.ts';
import { usageOfVm } from '../../../db/vms/usage.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { VIRTUAL_MACHINE } from '../../fields/answers/vm.ts';
import { requireUsage } from '../accounts/resource-limits.ts';
import { requireMayExpunge } from './expunging.ts';
import { answerMachine, machineNamed, wrongState } from './machines.ts';
import { recordVmEvent } from './vm-job.ts';

export const recoverVirtualMachine = defineCommand({
  name: 'recoverVirtualMachine',
  since: '0.2.0',
  description: 'Makes a destroyed virtual machine that is not expunged yet a stopped one.',
  roles: EVERYBODY,
  parameters: { id: required(id('the machine')) },
  object: 'virtualmachine',
  response: VIRTUAL_MACHINE,
  async run(context, { id: given }) {
    const { db } = context;
    await requireMayExpunge(context, 'Recovering a vm can only be done by an Admin');
    const machine = await machineNamed(context, 'id', given);
    const notDestroyed = () => wrongState(machine, 'only a machine that is Destroyed can be recovered');
    if (machine.state !== 'Destroyed') throw notDestroyed();
    const owner = await findOwner(db, machine.account_id);
    await db.transaction().execute(async (tx) => {
      await lockAccount(tx, owner.id);
      await requireUsage(tx, owner, await usageOfVm(tx, machine.id));
      // The workflow may have begun to expunge it meanwhile.
      if (!(await recoverVm(tx, machine.id))) throw notDestroyed();
      await recordVmEvent(tx, context, machine, [
        'VM.RECOVER',
        `Virtual machine '${machine.name}' was recovered`,
      ]);
    });
    return answerMachine(context, machine.uuid);
  },
});
