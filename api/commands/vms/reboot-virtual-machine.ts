import { offeringOf } from '../../../db/vms/parts.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { flag, id, refused, required } from '../../fields/parameters.ts';
import { JOB } from '../../fields/response.ts';
import { machineNamed, nameOf } from './machines.ts';
import { requireRenewable } from './renewal.ts';
import { answerVmJob } from './vm-job.ts';

export const rebootVirtualMachine = defineCommand({
  name: 'rebootVirtualMachine',
  since: '0.2.0',
  description:
    'Reboots a virtual machine that runs, on its host. One with a volatile offering gets a new root disk; what is on the old one is lost.',
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
    const { is_volatile } = await offeringOf(context.db, machine.id);
    if (is_volatile) await requireRenewable(context, machine);
    const how = is_volatile ? ', with a new disk' : forced ? ' by force' : '';
    return answerVmJob(context, machine, {
      command: 'rebootVirtualMachine',
      params: is_volatile ? { renew: true } : { forced },
      event: ['VM.REBOOT', `Virtual machine '${machine.name}' is to be rebooted${how}`],
    });
  },
});
