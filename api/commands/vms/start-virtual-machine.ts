import { usageOfVm } from '../../../db/vms/usage.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { flag, id, refused, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { requireUsage } from '../accounts/resource-limits.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';
import { machineNamed, nameOf, requireAlive } from './machines.ts';
import { answerVmJob } from './vm-job.ts';
import { usableHost } from './wanted-host.ts';

export const startVirtualMachine = defineCommand({
  name: 'startVirtualMachine',
  since: '0.2.0',
  description: 'Starts a virtual machine that is stopped, or of which the deployment has failed.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the machine')),
    hostid: id('the host; for administrators'),
    considerlasthost: flag('accepted for other clients: the host on which it ran goes first in any case'),
    bootintosetup: refused('it makes no sense for KVM', 'false'),
  },
  response: JOB,
  async run(context, values) {
    requireAdminFor(context, { hostid: values.hostid });
    const machine = await machineNamed(context, 'id', values.id);
    if (machine.state === 'Running') {
      throw new ApiError(apiCodes.parameter, `The virtual machine ${nameOf(machine)} is already running`, {
        parameter: 'id',
      });
    }
    requireAlive(machine);
    const host =
      values.hostid === undefined
        ? undefined
        : await usableHost(context, machine.data_center_id, values.hostid);
    return answerVmJob(context, machine, {
      command: 'startVirtualMachine',
      params: host === undefined ? {} : { hostId: host.uuid },
      event: ['VM.START', `Virtual machine '${machine.name}' is to be started`],
      // A machine that could not be made takes nothing of the limits until now.
      check: async (tx, owner) => {
        if (machine.state === 'Error') await requireUsage(tx, owner, await usageOfVm(tx, machine.id));
      },
    });
  },
});
