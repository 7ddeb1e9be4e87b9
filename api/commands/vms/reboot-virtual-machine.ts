import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { flag, id, refused, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { machineNamed, nameOf } from './machines.ts';
import { answerVmJob } from './vm-job.ts';

export const rebootVirtualMachine = defineCommand({
  name: 'rebootVirtualMachine',
  description: 'Reboots a virtual machine that runs, on its host.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the machine')),
    forced: flag('whether to stop it by force and to start it again'),
    bootintosetup: refused('it makes no sense for KVM', 'false'),
  },
  response: JOB,
  async run(context, { id: given, forced = false }) {
    const machine = await machineNamed(context, 'id', given);
    if (machine.state !== 'Running') {
      throw new ApiError(
        apiCodes.parameter,
        `The VM ${nameOf(machine)} is not running, unable to reboot it`,
        { parameter: 'id' },
      );
    }
    return answerVmJob(context, machine, {
      command: 'rebootVirtualMachine',
      params: { forced },
      event: ['VM.REBOOT', `Virtual machine '${machine.name}' is to be rebooted${forced ? ' by force' : ''}`],
    });
  },
});
