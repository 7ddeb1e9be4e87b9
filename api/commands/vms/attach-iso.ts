/** attachIso and detachIso. The workflow of the machine brings the ISO to its host first. */
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { isIso, type Template, templateNamed } from '../../fields/entities.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { requireUsable } from './images.ts';
import { type Machine, machineNamed } from './machines.ts';
import { answerVmJob } from './vm-job.ts';

const refusal = (parameter: string, sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter });

function requireStoppedOrRunning({ state }: Machine): void {
  if (state === 'Stopped' || state === 'Running') return;
  throw refusal('virtualmachineid', 'Please specify a VM that is either Stopped or Running.');
}

async function isoNamed(context: CommandContext, given: string): Promise<Template> {
  const iso = await templateNamed(context, 'id', given);
  if (isIso(iso) && iso.removed === null && iso.state !== 'Inactive') return iso;
  throw refusal('id', `Unable to find an ISO with id ${given}`);
}

export const attachIso = defineCommand({
  name: 'attachIso',
  since: '0.2.0',
  description:
    'Puts an ISO into the CD-ROM drive of a virtual machine; its host downloads it first where it must.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the ISO')),
    virtualmachineid: required(id('the machine')),
    forced: flag('whether to take out another ISO that the guest still uses'),
  },
  response: JOB,
  async run(context, { id: given, virtualmachineid, forced = false }) {
    const machine = await machineNamed(context, 'virtualmachineid', virtualmachineid);
    const iso = await isoNamed(context, given);
    requireStoppedOrRunning(machine);
    await requireUsable(context, 'id', machine, iso);
    return answerVmJob(context, machine, {
      command: 'attachIso',
      params: { templateId: iso.uuid, forced },
      event: ['ISO.ATTACH', `ISO '${iso.name}' is to be attached to virtual machine '${machine.name}'`],
    });
  },
});

export const detachIso = defineCommand({
  name: 'detachIso',
  since: '0.2.0',
  description: 'Takes the ISO out of the CD-ROM drive of a virtual machine.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    virtualmachineid: required(id('the machine')),
    forced: flag('whether to take it out although the guest still uses it'),
  },
  response: JOB,
  async run(context, { virtualmachineid, forced = false }) {
    const machine = await machineNamed(context, 'virtualmachineid', virtualmachineid);
    if (machine.iso_id === null)
      throw refusal('virtualmachineid', 'The specified VM has no ISO attached to it.');
    requireStoppedOrRunning(machine);
    return answerVmJob(context, machine, {
      command: 'detachIso',
      params: { forced },
      event: ['ISO.DETACH', `The ISO of virtual machine '${machine.name}' is to be detached`],
    });
  },
});
