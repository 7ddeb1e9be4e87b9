import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { titleOf } from '../../../model/title.ts';
import { ApiError } from '../../server/errors.ts';
import { requireUsage } from '../accounts/resource-limits.ts';
import { flag, id, map, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { machineNamed } from './machines.ts';
import { renewalOf } from './renewal.ts';
import { sizeParameter } from './root-disk.ts';
import { answerVmJob } from './vm-job.ts';

export const restoreVirtualMachine = defineCommand({
  name: 'restoreVirtualMachine',
  since: '0.2.0',
  description:
    'Gives a virtual machine a new disk, made from its template or from another one; what is on the old disk is lost. A machine that runs is started again.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    virtualmachineid: required(id('the machine')),
    templateid: id('another template; the one that it has, when absent'),
    expunge: flag('accepted for other clients: the old disk is removed in any case'),
    diskofferingid: id('the disk offering of the new disk; that of the old one, when absent'),
    rootdisksize: sizeParameter(
      'gigabytes of the new disk; those of the old one, or of a larger image, when absent',
    ),
    details: map('rootdisksize, which goes before the parameter'),
  },
  response: JOB,
  async run(context, values) {
    const machine = await machineNamed(context, 'virtualmachineid', values.virtualmachineid);
    const { state } = machine;
    if (state !== 'Running' && state !== 'Stopped') {
      throw new ApiError(
        apiCodes.parameter,
        `Vm ${machine.uuid} currently in ${state} state, restore vm can only execute when VM in Running or Stopped`,
        { parameter: 'virtualmachineid' },
      );
    }
    const { template, params, growth } = await renewalOf(context, machine, values);
    return answerVmJob(context, machine, {
      command: 'restoreVirtualMachine',
      params,
      check: (tx, owner) => requireUsage(tx, owner, { storage: growth }),
      event: [
        'VM.RESTORE',
        `Virtual machine '${machine.name}' is to be restored from ${titleOf(template, 'middle')}`,
      ],
    });
  },
});
