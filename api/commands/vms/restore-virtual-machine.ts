import { findTemplateById, rootSizeOf } from '../../../db/vms/parts.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { titleOf } from '../../../model/title.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { isIso, type Template, templateNamed } from '../../fields/entities.ts';
import { flag, id, refused, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { requireUsable } from './images.ts';
import { type Machine, machineNamed } from './machines.ts';
import { answerVmJob } from './vm-job.ts';

export const restoreVirtualMachine = defineCommand({
  name: 'restoreVirtualMachine',
  description:
    'Gives a virtual machine a new disk, made from its template or from another one; what is on the old disk is lost. A machine that runs is started again.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    virtualmachineid: required(id('the machine')),
    templateid: id('another template; the one that it has, when absent'),
    expunge: flag('accepted for other clients: the old disk is removed in any case'),
    diskofferingid: refused('the new disk is as large as the old one'),
    rootdisksize: refused('the new disk is as large as the old one'),
  },
  response: JOB,
  async run(context, { virtualmachineid, templateid }) {
    const machine = await machineNamed(context, 'virtualmachineid', virtualmachineid);
    const { state } = machine;
    if (state !== 'Running' && state !== 'Stopped') {
      throw new ApiError(
        apiCodes.parameter,
        `Vm ${machine.uuid} currently in ${state} state, restore vm can only execute when VM in Running or Stopped`,
        { parameter: 'virtualmachineid' },
      );
    }
    const template = await imageFor(context, machine, templateid);
    return answerVmJob(context, machine, {
      command: 'restoreVirtualMachine',
      params: templateid === undefined ? {} : { templateId: template.uuid },
      event: [
        'VM.RESTORE',
        `Virtual machine '${machine.name}' is to be made anew from ${titleOf(template, 'middle')}`,
      ],
    });
  },
});

/** @throws ApiError 431 for a template that cannot be had any more, and for one that is larger than the disk */
async function imageFor(
  context: CommandContext,
  machine: Machine,
  templateid: string | undefined,
): Promise<Template> {
  const { db } = context;
  if (templateid === undefined) {
    const own = await findTemplateById(db, machine.template_id);
    if (own.removed === null && own.state === 'Active') return own;
    throw badParameter(
      'templateid',
      `is missing: ${titleOf(own, 'middle')}, from which the machine was made, was deleted; its copy is kept for the disk that stands on it, and nothing new is made from it. Give another template.`,
    );
  }
  const template = await templateNamed(context, 'templateid', templateid);
  if (isIso(template) !== isIso(await findTemplateById(db, machine.template_id)))
    throw badParameter('templateid', 'is an ISO in the place of a template, or the other way round.');
  await requireUsable(context, 'templateid', machine, template);
  const size = await rootSizeOf(db, machine.id);
  if (isIso(template) || size === 0 || template.virtual_size <= size) return template;
  throw badParameter(
    'templateid',
    `names '${template.name}', whose ${template.virtual_size} bytes are more than the ${size} of the disk.`,
  );
}
