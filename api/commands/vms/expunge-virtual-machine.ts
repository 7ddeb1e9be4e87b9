import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { id, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { requireMayExpunge } from './expunging.ts';
import { machineNamed } from './machines.ts';
import { answerVmJob } from './vm-job.ts';

const GONE: ReadonlySet<string> = new Set(['Destroyed', 'Expunging', 'Error']);

export const expungeVirtualMachine = defineCommand({
  name: 'expungeVirtualMachine',
  since: '0.2.0',
  description: 'Removes a destroyed virtual machine for good, with its disk.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: { id: required(id('the machine')) },
  response: JOB,
  async run(context, { id: given }) {
    await requireMayExpunge(context, 'Expunging a vm can only be done by an Admin');
    const machine = await machineNamed(context, 'id', given);
    if (!GONE.has(machine.state)) {
      throw new ApiError(apiCodes.internal, 'Please destroy vm with specified vmId before expunge', {
        parameter: 'id',
      });
    }
    return answerVmJob(context, machine, {
      command: 'expungeVirtualMachine',
      params: {},
      event: ['VM.EXPUNGE', `Virtual machine '${machine.name}' is to be expunged`],
    });
  },
});
