/**
 * deployVirtualMachine: all checks are made before anything is written, in the order of CloudStack. Then the rows and the
 * job are written in one transaction, and the workflow of the machine begins. An image that is not downloaded yet, or of
 * which the size is not known, is a reason to wait and not to refuse: the workflow waits for it.
 */
import { randomUUID } from 'node:crypto';
import { insertVm, lockAccount, lockNetworks, type NewVolume } from '../../../db/vms/create.ts';
import { findOwner, type Owner } from '../../../db/vms/accounts.ts';
import { isOfferedIn, isPoolUp, isZoneEnabled } from '../../../db/vms/parts.ts';
import { findServiceOffering, type ServiceOffering } from '../../../db/offerings/service-offerings.ts';
import { sealVncPassword } from '../../../db/vms/secrets.ts';
import { isUniqueViolation } from '../../../db/database.ts';
import { zonesOfTemplate } from '../../../db/templates/listing.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { requireUsage } from '../accounts/resource-limits.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { ApiError, badParameter, noSuchEntity } from '../../server/errors.ts';
import { entity, isIso, type Template, templateNamed, zoneNamed } from '../../fields/entities.ts';
import { accountNamed } from '../../fields/owners.ts';
import { JOB, render, type Shape, string } from '../../fields/response.ts';
import { type Boot, bootOf } from './boot.ts';
import { type Compute, computeOf, type Details } from './compute.ts';
import { type DeployValues, parameters } from './deploy-parameters.ts';
import { readDetails } from './details.ts';
import { keyColumns, keyNames, userDataColumns } from './first-boot.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';
import { firstNic, requireAddressesFree, type WantedNic, wantedNics } from './networks.ts';
import { nameOfUuid, requireHostName, requireNameFree } from './names.ts';
import { requireNone } from './no-groups.ts';
import { rootDisk } from './root-disk.ts';
import { beginVmJob, writeVmJob } from './vm-job.ts';
import { wantedColumns } from './wanted-host.ts';

const DEPLOYED: Shape<{ readonly id: string }> = {
  id: string('the id of the machine', ({ id: uuid }) => uuid),
};

export const deployVirtualMachine = defineCommand({
  name: 'deployVirtualMachine',
  since: '0.2.0',
  description:
    'Makes a virtual machine from a template or an ISO, and starts it: on a host that has the image, or that downloads it first.',
  isAsync: true,
  roles: EVERYBODY,
  parameters,
  response: { ...DEPLOYED, ...JOB },
  async run(context, values) {
    const plan = await planOf(context, values);
    const jobid = await write(context, plan, values).catch((error: unknown) => {
      // The network cards' addresses are random: another try has others.
      if (isUniqueViolation(error)) return write(context, plan, values);
      throw error;
    });
    await beginVmJob(context, plan);
    return {
      ...render(DEPLOYED, { id: plan.uuid }, context.caller),
      ...render(JOB, { jobid }, context.caller),
    };
  },
});

/** What a call asks for, with everything checked that can be checked without a lock. */
interface Plan {
  readonly uuid: string;
  readonly name: string;
  readonly owner: Owner;
  readonly zone: Place;
  readonly template: Template;
  readonly offering: ServiceOffering;
  readonly details: Details;
  readonly compute: Compute;
  readonly volume: NewVolume;
  readonly boot: Boot;
  /** None: a card in the first network of the zone, which is made. */
  readonly nics: readonly WantedNic[];
  readonly columns: Awaited<ReturnType<typeof columnsOf>>;
}

async function planOf(context: CommandContext, values: DeployValues): Promise<Plan> {
  const { db } = context;
  const uuid = randomUUID();
  const zone = await zoneNamed(context, 'zoneid', values.zoneid);
  const offering = await entity(context, 'serviceofferingid', values.serviceofferingid, (offeringId) =>
    findServiceOffering(db, offeringId),
  );
  const template = await templateNamed(context, 'templateid', values.templateid);
  if (template.removed !== null || template.state === 'Inactive')
    throw noSuchEntity(context.command, 'templateid', values.templateid);
  const owner = await ownerOf(context, values);
  requireHypervisor(values.hypervisor, template);
  await requireZone(context, zone, offering);
  requireActive(offering);
  const details = detailsOf(values);
  const compute = computeOf(offering, details);
  const volume = await rootDisk(context, { template, offering, details, values });
  await requireUsage(db, owner, needsOf({ compute, volume }));
  await requirePool(context, zone);
  await requireAvailable(context, zone, template);
  const columns = await columnsOf(context, { uuid, owner, zone }, values);
  const nics = await wantedNics(context, { zone, owner }, values);
  requireNone(context, {
    affinitygroupids: values.affinitygroupids,
    affinitygroupnames: values.affinitygroupnames,
    securitygroupids: values.securitygroupids,
    securitygroupnames: values.securitygroupnames,
  });
  const name = nameIn(values, uuid);
  const boot = bootOf(name, values.boottype, values.bootmode);
  await requireNameFree(
    db,
    name,
    nics.map(({ network }) => network),
  );
  return { uuid, name, owner, zone, template, offering, details, compute, volume, boot, nics, columns };
}

async function ownerOf(context: CommandContext, values: DeployValues): Promise<Owner> {
  const named = await accountNamed(context, values);
  const owner = await findOwner(context.db, named?.id ?? context.caller.accountId);
  if (owner.state === 'enabled') return owner;
  throw new ApiError(apiCodes.permission, `The owner of vm to deploy is disabled: ${owner.name}`, {
    parameter: 'account',
  });
}

function requireHypervisor(hypervisor: string | undefined, { hypervisor_type }: Template): void {
  if (hypervisor === undefined || hypervisor === '') return;
  if (hypervisor.toLowerCase() === hypervisor_type.toLowerCase()) return;
  throw new ApiError(
    apiCodes.parameter,
    'Hypervisor passed to the deployVm call, is different from the hypervisor type of the template',
    { parameter: 'hypervisor' },
  );
}

async function requireZone(
  { db, caller }: CommandContext,
  zone: Place,
  offering: ServiceOffering,
): Promise<void> {
  if (caller.role !== 'admin' && !(await isZoneEnabled(db, zone.id))) {
    throw new ApiError(
      apiCodes.permission,
      `Cannot perform this operation, Zone is currently disabled: ${zone.name}`,
      { parameter: 'zoneid' },
    );
  }
  if (await isOfferedIn(db, offering.id, zone.id)) return;
  throw badParameter(
    'serviceofferingid',
    `names offering '${offering.name}', which zone '${zone.name}' does not have.`,
  );
}

function requireActive({ name, state }: ServiceOffering): void {
  if (state === 'Active') return;
  throw badParameter(
    'serviceofferingid',
    `names offering '${name}', which is ${state}; give one that is Active.`,
  );
}

function detailsOf({ details, keyboard }: DeployValues): Details {
  return { ...readDetails(details), ...(keyboard === undefined ? {} : { keyboard }) };
}

const needsOf = ({ compute, volume }: Pick<Plan, 'compute' | 'volume'>) => ({
  vms: 1,
  cpu: compute.cpu,
  memory: compute.memory,
  volumes: 1,
  storage: volume.size,
});

async function requirePool({ db }: CommandContext, zone: Place): Promise<void> {
  if (await isPoolUp(db, zone.id)) return;
  throw new ApiError(apiCodes.parameter, 'There are no available pools in the UP state for vm deployment', {
    parameter: 'zoneid',
    reason: `No storage pool of zone '${zone.name}' is Up: start a host worker there.`,
  });
}

async function requireAvailable({ db }: CommandContext, zone: Place, template: Template): Promise<void> {
  const zones = await zonesOfTemplate(db, template.id);
  if (template.state !== 'Active' || !zones.includes(zone.uuid)) {
    const why =
      template.state === 'Active'
        ? `it is not registered in zone '${zone.name}'`
        : 'it is still being registered; wait for that';
    throw new ApiError(
      apiCodes.parameter,
      `The template ${template.uuid} is not available for use: ${why}.`,
      { parameter: 'templateid' },
    );
  }
  if (isIso(template) && !template.bootable) {
    throw new ApiError(
      apiCodes.parameter,
      `Installing from ISO requires an ISO that is bootable: ${template.uuid}`,
      { parameter: 'templateid' },
    );
  }
}

/** User data, keys and wanted host. */
async function columnsOf(
  context: CommandContext,
  { uuid, owner, zone }: Pick<Plan, 'uuid' | 'owner' | 'zone'>,
  values: DeployValues,
) {
  requireAdminFor(context, { displayvm: values.displayvm });
  const wanted = await wantedColumns(context, zone.id, values);
  const userData = await userDataColumns(context, { vm: uuid, accountId: owner.id }, values);
  const keys = await keyColumns(context, owner.id, keyNames(values));
  return { ...wanted, ...userData, ...keys };
}

function nameIn({ name }: DeployValues, uuid: string): string {
  if (name === undefined || name === '') return nameOfUuid(uuid);
  requireHostName(name);
  return name;
}

/** @returns the id of the job */
async function write(context: CommandContext, plan: Plan, values: DeployValues): Promise<string> {
  const { db, caller, masterKey } = context;
  const { uuid, name, owner, zone, template, offering, details, compute, boot, volume, columns } = plan;
  const vnc_password_sealed = await sealVncPassword(masterKey, uuid);
  const start = values.startvm ?? true;
  return db.transaction().execute(async (tx) => {
    await lockAccount(tx, owner.id);
    const nics = plan.nics.length > 0 ? plan.nics : [await firstNic(tx, zone, values)];
    const networks = nics.map(({ network }) => network);
    await lockNetworks(
      tx,
      networks.map(({ id: networkId }) => networkId),
    );
    await requireUsage(tx, owner, needsOf(plan));
    await requireNameFree(tx, name, networks);
    await requireAddressesFree(tx, nics);
    await insertVm(tx, {
      row: {
        uuid,
        name,
        display_name:
          values.displayname === undefined || values.displayname === '' ? name : values.displayname,
        account_id: owner.id,
        user_id: caller.userId,
        data_center_id: zone.id,
        service_offering_id: offering.id,
        cpu: compute.cpu,
        speed: compute.speed,
        ram_size: compute.memory,
        template_id: template.id,
        iso_id: isIso(template) ? template.id : null,
        guest_os_id: template.guest_os_id,
        details: JSON.stringify(details),
        vnc_password_sealed,
        ha_enabled: offering.offer_ha,
        display_vm: values.displayvm ?? true,
        dynamically_scalable: values.dynamicscalingenabled ?? template.dynamically_scalable,
        ...boot,
        ...columns,
      },
      group: values.group === '' ? undefined : values.group,
      volume,
      nics,
    });
    return writeVmJob(tx, context, {
      vm: { uuid, name, account: owner.uuid },
      command: 'deployVirtualMachine',
      params: start ? {} : { start: false },
      event: ['VM.CREATE', `Virtual machine '${name}' is to be made from '${template.name}'`],
    });
  });
}
