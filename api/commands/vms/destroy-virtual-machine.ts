import { configurationValues } from '../../../db/zones/configurations.ts';
import { isDestroyForced } from '../../../model/configurations.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { flag, id, list, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { requireMayExpunge } from './expunging.ts';
import { type Machine, machineNamed } from './machines.ts';
import { requireNone } from './no-groups.ts';
import { answerVmJob, vmJobDone } from './vm-job.ts';

export const destroyVirtualMachine = defineCommand({
  name: 'destroyVirtualMachine',
  since: '0.2.0',
  description:
    'Destroys a virtual machine: stops it, and keeps its disk until it is expunged, so that it can be recovered until then.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the machine')),
    expunge: flag('whether to expunge it at once; for administrators'),
    volumeids: list('further disks to delete, of which there are none: empty'),
  },
  response: JOB,
  async run(context, { id: given, expunge = false, volumeids }) {
    if (expunge) await requireMayExpunge(context, 'Parameter expunge can be passed by Admin only');
    const machine = await machineNamed(context, 'id', given);
    requireNone(context, { volumeids });
    requireUnprotected(machine);
    const gone = machine.state === 'Expunging' || (machine.state === 'Destroyed' && !expunge);
    if (gone) return render(JOB, { jobid: await vmJobDone(context, machine) }, context.caller);
    const forced = isDestroyForced(await configurationValues(context.db));
    return answerVmJob(context, machine, {
      command: 'destroyVirtualMachine',
      params: { expunge, forced },
      event: [
        'VM.DESTROY',
        `Virtual machine '${machine.name}' is to be destroyed${expunge ? ' and expunged' : ''}`,
      ],
    });
  },
});

function requireUnprotected({ delete_protection, uuid, name }: Machine): void {
  if (!delete_protection) return;
  throw new ApiError(
    apiCodes.parameter,
    `Instance [id = ${uuid}, name = ${name}] has delete protection enabled and cannot be deleted.`,
    { parameter: 'id' },
  );
}
