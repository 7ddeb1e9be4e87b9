import { openUserData } from '../../../db/vms/secrets.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { answerOne, optional, type Shape, string } from '../../fields/response.ts';
import { machineNamed } from './machines.ts';

interface UserDataView {
  readonly vm: string;
  readonly userData: string | undefined;
}

const VM_USER_DATA: Shape<UserDataView> = {
  virtualmachineid: string('the id of the machine', ({ vm }) => vm),
  userdata: optional.string('its user data, as base64; absent where it has none', ({ userData }) => userData),
};

export const getVirtualMachineUserData = defineCommand({
  name: 'getVirtualMachineUserData',
  since: '0.2.0',
  description: 'Answers the user data of a virtual machine.',
  roles: EVERYBODY,
  parameters: { virtualmachineid: required(id('the machine')) },
  object: 'virtualmachineuserdata',
  response: VM_USER_DATA,
  async run(context, { virtualmachineid }) {
    const machine = await machineNamed(context, 'virtualmachineid', virtualmachineid);
    const view = { vm: machine.uuid, userData: await openUserData(context.masterKey, machine) };
    return answerOne('virtualmachineuserdata', VM_USER_DATA, [view], context.caller);
  },
});
