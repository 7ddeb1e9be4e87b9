/** updateVirtualMachine: what takes effect at once (names for people, group, protection), and what does at the next start. */
import type { Queryable } from '../../../db/database.ts';
import { groupNamed, lockNetworks } from '../../../db/vms/create.ts';
import { networksOfVm } from '../../../db/vms/parts.ts';
import { changeVm, type VmChanges } from '../../../db/vms/update.ts';
import { findGuestOs } from '../../../db/zones/listing.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { entity } from '../../fields/entities.ts';
import { flag, id, map, type ParameterValues, refused, required, text } from '../../fields/parameters.ts';
import { userDataParameter } from '../../fields/user-data.ts';
import { VIRTUAL_MACHINE } from '../../fields/answers/vm.ts';
import { readDetails, replaceDetails } from './details.ts';
import { userDataColumns } from './first-boot.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';
import { answerMachine, type Machine, machineNamed, wrongState } from './machines.ts';
import { requireHostName, requireNameFree } from './names.ts';
import { noSecurityGroups, requireNone } from './no-groups.ts';
import { recordVmEvent } from './vm-job.ts';

const parameters = {
  id: required(id('the machine')),
  name: text('the name, which is the host name of the guest from its next start on'),
  displayname: text('the name for people'),
  group: text('the instance group; empty: none'),
  userdata: userDataParameter('user data, as base64, which the guest finds at its next start; empty: none'),
  userdataid: id('registered user data'),
  userdatadetails: map('values of variables of the user data, which has them as {{ ds.meta_data.NAME }}'),
  details: map('replaces the details'),
  cleanupdetails: flag('whether to remove all details; details is ignored then'),
  deleteprotection: flag('whether it is protected from destroying'),
  ostypeid: id('the guest operating system'),
  haenable: flag('noted only'),
  isdynamicallyscalable: flag('noted only'),
  displayvm: flag('whether it is shown to users; for administrators'),
  instancename: refused('the name of a domain does not change'),
  extraconfig: refused('no configuration of a domain is taken from users'),
  ...noSecurityGroups,
};

type UpdateValues = ParameterValues<typeof parameters>;

const CHANGEABLE = ['Starting', 'Running', 'Stopping', 'Stopped', 'Destroyed'] as const;

export const updateVirtualMachine = defineCommand({
  name: 'updateVirtualMachine',
  since: '0.2.0',
  description:
    'Changes a virtual machine. Name, user data and details take effect at its next start, and everything else at once.',
  roles: EVERYBODY,
  parameters,
  object: 'virtualmachine',
  response: VIRTUAL_MACHINE,
  async run(context, values) {
    const { db } = context;
    const machine = await machineNamed(context, 'id', values.id);
    requireAdminFor(context, { displayvm: values.displayvm });
    requireNone(context, {
      securitygroupids: values.securitygroupids,
      securitygroupnames: values.securitygroupnames,
    });
    if (!isChangeable(machine)) throw wrongState(machine, 'it cannot be changed any more');
    const changes = await changesOf(context, machine, values);
    await db.transaction().execute(async (tx) => {
      const renamed = values.name !== undefined && values.name !== '' && values.name !== machine.name;
      if (renamed) {
        const networks = await networksOfVm(tx, machine.id);
        await lockNetworks(
          tx,
          networks.map(({ id: networkId }) => networkId),
        );
        await requireNameFree(tx, values.name, networks, machine.id);
      }
      const group = await groupColumn(tx, machine, values.group);
      const changed = await changeVm(tx, machine.id, CHANGEABLE, { ...changes, ...group });
      if (!changed) throw wrongState(machine, 'it cannot be changed any more');
      await recordVmEvent(tx, context, machine, [
        'VM.UPDATE',
        `Virtual machine '${machine.name}' was changed`,
      ]);
    });
    return answerMachine(context, machine.uuid);
  },
});

const isChangeable = ({ state }: Machine): boolean => CHANGEABLE.some((one) => one === state);

async function groupColumn(
  tx: Queryable,
  machine: Machine,
  group: string | undefined,
): Promise<Pick<VmChanges, 'instance_group_id'>> {
  if (group === undefined) return {};
  return { instance_group_id: group === '' ? null : await groupNamed(tx, machine.account_id, group) };
}

async function changesOf(
  context: CommandContext,
  machine: Machine,
  values: UpdateValues,
): Promise<VmChanges> {
  const { name, displayname, ostypeid } = values;
  if (name !== undefined && name !== '') requireHostName(name);
  if (displayname === '')
    throw badParameter('displayname', 'is empty; give a name for people, or leave it out.');
  const os =
    ostypeid === undefined
      ? undefined
      : await entity(context, 'ostypeid', ostypeid, (uuid) => findGuestOs(context.db, uuid));
  const userData = await userDataColumns(
    context,
    { vm: machine.uuid, accountId: machine.account_id },
    values,
  );
  return {
    name: name === '' ? undefined : name,
    display_name: displayname,
    details: detailsColumn(context, machine, values),
    delete_protection: values.deleteprotection,
    guest_os_id: os?.id,
    ha_enabled: values.haenable,
    dynamically_scalable: values.isdynamicallyscalable,
    display_vm: values.displayvm,
    ...userData,
  };
}

/** JSON. Undefined when the call says nothing of details. */
function detailsColumn(
  { caller }: CommandContext,
  machine: Machine,
  { details, cleanupdetails }: UpdateValues,
): string | undefined {
  if (cleanupdetails !== true && details === undefined) return undefined;
  const given = cleanupdetails === true ? {} : readDetails(details);
  return JSON.stringify(replaceDetails(caller.role, machine.details, given));
}
