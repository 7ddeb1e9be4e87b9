import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { machineNamed, requireAlive, wrongState } from './machines.ts';
import { answerVmJob } from './vm-job.ts';

export const stopVirtualMachine = defineCommand({
  name: 'stopVirtualMachine',
  since: '0.2.0',
  description:
    'Stops a virtual machine: the guest is asked to shut down, and is stopped by force when it has not after a while. A start that is under way ends.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the machine')),
    forced: flag('whether to stop it at once, without asking the guest'),
  },
  response: JOB,
  async run(context, { id: given, forced = false }) {
    const machine = await machineNamed(context, 'id', given);
    requireAlive(machine);
    if (machine.state === 'Error') throw wrongState(machine, 'start it, or destroy it');
    return answerVmJob(context, machine, {
      command: 'stopVirtualMachine',
      params: { forced },
      event: ['VM.STOP', `Virtual machine '${machine.name}' is to be stopped${forced ? ' by force' : ''}`],
    });
  },
});
