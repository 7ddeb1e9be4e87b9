/**
 * changeServiceForVirtualMachine and scaleVirtualMachine: another service offering for a stopped machine. They differ in
 * their answer, and in the words with which CloudStack refuses a machine that is not stopped.
 */
import { findServiceOffering, type ServiceOffering } from '../../../db/offerings/service-offerings.ts';
import { lockAccount } from '../../../db/vms/create.ts';
import { findOwner } from '../../../db/vms/accounts.ts';
import { isOfferedIn, offeringOf, rootSizeOf } from '../../../db/vms/parts.ts';
import { changeVm, growDisk } from '../../../db/vms/update.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { GIB } from '../../../model/vms.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { entity } from '../../fields/entities.ts';
import { flag, id, map, type MapEntry, refused, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { VIRTUAL_MACHINE } from '../../fields/answers/vm.ts';
import { requireUsage } from '../accounts/resource-limits.ts';
import { type Compute, computeOf, type Details } from './compute.ts';
import { readDetails } from './details.ts';
import { answerMachine, type Machine, machineNamed, nameOf } from './machines.ts';
import { recordVmEvent, vmJobDone } from './vm-job.ts';

const parameters = {
  id: required(id('the machine')),
  serviceofferingid: required(id('the service offering')),
  details: map('cpuNumber, cpuSpeed and memory, where the offering leaves them to the user'),
  automigrate: flag('accepted for other clients: each start chooses the host'),
  shrinkok: refused('a disk does not become smaller', 'false'),
  miniops: refused('Bypass does not limit the speed of disks'),
  maxiops: refused('Bypass does not limit the speed of disks'),
};

interface ChangeValues {
  readonly id: string;
  readonly serviceofferingid: string;
  readonly details: readonly MapEntry[] | undefined;
}

export const changeServiceForVirtualMachine = defineCommand({
  name: 'changeServiceForVirtualMachine',
  since: '0.2.0',
  description: 'Gives a stopped virtual machine another service offering.',
  roles: EVERYBODY,
  parameters,
  object: 'virtualmachine',
  response: VIRTUAL_MACHINE,
  async run(context, values) {
    const machine = await changeOffering(context, values, (running) =>
      refusal(
        `Unable to upgrade virtual machine ${nameOf(running)} in state ${running.state}; make sure the virtual machine is stopped`,
      ),
    );
    return answerMachine(context, machine.uuid);
  },
});

export const scaleVirtualMachine = defineCommand({
  name: 'scaleVirtualMachine',
  since: '0.2.0',
  description: 'Gives a stopped virtual machine another service offering, and answers a job that is done.',
  isAsync: true,
  roles: EVERYBODY,
  parameters,
  response: JOB,
  async run(context, values) {
    const machine = await changeOffering(context, values, (running, before) =>
      refusal(
        before.customized
          ? `Unable to live scale VM ${nameOf(running)} in state ${running.state}: Bypass scales machines that are stopped`
          : 'Unable to live scale VM on KVM when current service offering is a "Fixed Offering". KVM needs the tag "maxMemory" to live scale and it is only configured when VM is deployed with a custom service offering and "Dynamic Scalable" is enabled.',
      ),
    );
    return render(JOB, { jobid: await vmJobDone(context, machine) }, context.caller);
  },
});

const refusal = (sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter: 'id' });

/** @param notStopped the refusal of a machine that is not stopped */
async function changeOffering(
  context: CommandContext,
  values: ChangeValues,
  notStopped: (machine: Machine, before: ServiceOffering) => ApiError,
): Promise<Machine> {
  const { db } = context;
  const machine = await machineNamed(context, 'id', values.id);
  const before = await offeringOf(db, machine.id);
  const offering = await entity(context, 'serviceofferingid', values.serviceofferingid, (uuid) =>
    findServiceOffering(db, uuid),
  );
  if (machine.state !== 'Stopped') throw notStopped(machine, before);
  const given = readDetails(values.details);
  await requireOther(context, machine, offering, given);
  const compute = computeOf(offering, given);
  const size = await requireDisk(context, machine, offering);
  const owner = await findOwner(db, machine.account_id);
  await db.transaction().execute(async (tx) => {
    await lockAccount(tx, owner.id);
    await requireUsage(tx, owner, moreThan(machine, compute));
    const changed = await changeVm(tx, machine.id, ['Stopped'], {
      service_offering_id: offering.id,
      cpu: compute.cpu,
      speed: compute.speed,
      ram_size: compute.memory,
      details: JSON.stringify({ ...withoutCompute(machine.details), ...given }),
    });
    if (!changed) throw notStopped(machine, before);
    if (size !== undefined) await growDisk(tx, machine.id, size);
    await recordVmEvent(tx, context, machine, [
      'VM.UPGRADE',
      `Virtual machine '${machine.name}' has service offering '${offering.name}' now`,
    ]);
  });
  return machine;
}

async function requireOther(
  { db }: CommandContext,
  machine: Machine,
  offering: ServiceOffering,
  given: Details,
): Promise<void> {
  if (offering.id === machine.service_offering_id && Object.keys(given).length === 0) {
    throw refusal(
      `Not upgrading vm ${nameOf(machine)} since it already has the requested service offering (${offering.name})`,
    );
  }
  if (offering.state === 'Active' && (await isOfferedIn(db, offering.id, machine.data_center_id))) return;
  throw badParameter(
    'serviceofferingid',
    `names offering '${offering.name}', which the zone of the machine does not have.`,
  );
}

/** @returns bytes of the offering's disk; undefined when it says none */
async function requireDisk(
  { db }: CommandContext,
  machine: Machine,
  offering: ServiceOffering,
): Promise<number | undefined> {
  if (offering.root_disk_size === null) return undefined;
  const size = offering.root_disk_size * GIB;
  if (size >= (await rootSizeOf(db, machine.id))) return size;
  throw refusal(
    `Failed to resize Root volume. The new Service Offering ${offering.name} has a smaller disk size ${offering.root_disk_size} GB than the current disk.`,
  );
}

const withoutCompute = (details: Details): Details =>
  Object.fromEntries(
    Object.entries(details).filter(([key]) => !['cpuNumber', 'cpuSpeed', 'memory'].includes(key)),
  );

const moreThan = ({ cpu, ram_size }: Machine, compute: Compute) => ({
  cpu: Math.max(0, compute.cpu - cpu),
  memory: Math.max(0, compute.memory - ram_size),
});
