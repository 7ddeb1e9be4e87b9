/** listVirtualMachines, and listVirtualMachinesMetrics with a few fields more. */
import { findVm, listVms, VM_COLUMNS } from '../../../db/vms/listing.ts';
import { findServiceOffering } from '../../../db/offerings/service-offerings.ts';
import { findPool } from '../../../db/pools/listing.ts';
import { configurationValues } from '../../../db/zones/configurations.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { mayUsersSeeDestroyed } from '../../../model/configurations.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { checkEntity, clustersAsked, templateNamed } from '../../fields/entities.ts';
import { fixedFilter, matchesNothing } from '../../fields/fixed-filters.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { orderParameters, pagingParameters, readOrder, readPage } from '../../fields/paging.ts';
import { flag, id, isUuid, list, map, text, type ParameterValues } from '../../fields/parameters.ts';
import { answerList, type Shape } from '../../fields/response.ts';
import { findHost } from '../hosts/find-host.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';
import { VIRTUAL_MACHINE, type VmView, viewVms, VM_METRICS } from '../../fields/answers/vm.ts';

/** What CloudStack's parameter `details` may name. Bypass answers everything that it has. */
const DETAILS = [
  'all',
  'group',
  'nics',
  'stats',
  'secgrp',
  'tmpl',
  'servoff',
  'diskoff',
  'backoff',
  'iso',
  'volume',
  'min',
  'affgrp',
] as const;

const parameters = {
  id: id('this one'),
  ids: list('these'),
  name: text('those of this name'),
  state: text('those in this state; Present: all that are neither Destroyed nor Expunging'),
  zoneid: id('those in this zone'),
  hostid: id('those on this host; for administrators'),
  podid: id('those in this pod; for administrators'),
  clusterid: id('those in this cluster; for administrators'),
  storageid: id('those with their disk on this pool; for administrators'),
  templateid: id('those of this template'),
  isoid: id('those with this ISO attached'),
  serviceofferingid: id('those of this service offering'),
  groupid: id('those of this instance group'),
  networkid: id('those in this network'),
  keypair: text('those with this SSH key pair, by its name'),
  userid: id('those that this user made'),
  hypervisor: fixedFilter('hypervisor', 'KVM'),
  affinitygroupid: text('those in this affinity group; there is none'),
  haenable: flag('those that are, or are not, to be started again elsewhere'),
  displayvm: flag('those that are, or are not, shown to users; for administrators'),
  userdata: flag('whether to answer user data, and the values of its variables'),
  details: list(`accepted for other clients: ${DETAILS.join(', ')}; everything is answered`),
  tags: map('those with all of these tags, as tags[0].key and tags[0].value'),
  projectid: text('accepted as -1 for other clients: there are no projects'),
  isrecursive: flag('accepted for other clients: there is one domain'),
  ...ownerParameters,
  ...orderParameters(VM_COLUMNS),
  ...pagingParameters,
};

type ListValues = ParameterValues<typeof parameters>;

const listing = (name: string, description: string, response: Shape<VmView>): Command =>
  defineCommand({
    name,
    since: '0.2.0',
    description,
    roles: EVERYBODY,
    parameters,
    objects: 'virtualmachine',
    response,
    async run(context, values) {
      const page = readPage(values);
      checkDetails(values.details);
      const accountId = await ownerOf(context, values);
      const clusterIds = await checkFilters(context, values);
      if (namesNothing(values)) return {};
      const query = await queryOf(context, values, { accountId, clusterIds });
      const { count, rows } = await listVms(context.db, query, page);
      const userData = values.userdata === true;
      const asked = { userData, userDataDetails: userData || query.ids !== undefined };
      const views = await viewVms(context, rows, asked);
      return answerList('virtualmachine', response, { count, rows: views }, context.caller);
    },
  });

export const listVirtualMachines = listing(
  'listVirtualMachines',
  'Lists virtual machines, with the progress of those that start. Users see those of their account.',
  VIRTUAL_MACHINE,
);

export const listVirtualMachinesMetrics = listing(
  'listVirtualMachinesMetrics',
  'Lists virtual machines as listVirtualMachines does, and what they have in words.',
  { ...VIRTUAL_MACHINE, ...VM_METRICS },
);

/** @throws ApiError 431 in CloudStack's words */
function checkDetails(details: readonly string[] | undefined): void {
  const known: readonly string[] = DETAILS;
  if (details === undefined || details.every((one) => known.includes(one.toLowerCase()))) return;
  throw new ApiError(
    apiCodes.parameter,
    `The details parameter contains a non permitted value. The allowed values are [${DETAILS.join(', ')}]`,
    { parameter: 'details' },
  );
}

/** @returns the clusters that are named @throws ApiError 431 for an id of nothing, 531 for filters of administrators */
async function checkFilters(context: CommandContext, values: ListValues): Promise<readonly string[]> {
  const { db, caller } = context;
  const { hostid, podid, clusterid, storageid } = values;
  requireAdminFor(context, { hostid, podid, clusterid, storageid, displayvm: values.displayvm });
  await checkEntity(context, 'id', values.id, async (uuid) => {
    // One that was expunged is known, and in no list: clients that wait for its end ask for it.
    const vm = await findVm(db, uuid);
    return caller.role === 'admin' || vm?.account_id === caller.accountId ? vm : undefined;
  });
  await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
  await checkEntity(context, 'hostid', hostid, (uuid) => findHost(db, uuid));
  await checkEntity(context, 'storageid', storageid, (uuid) => findPool(db, uuid));
  await checkEntity(context, 'serviceofferingid', values.serviceofferingid, (uuid) =>
    findServiceOffering(db, uuid),
  );
  if (values.templateid !== undefined) await templateNamed(context, 'templateid', values.templateid);
  if (values.isoid !== undefined) await templateNamed(context, 'isoid', values.isoid);
  return clustersAsked(context, { clusterid }, { podid });
}

const namesNothing = ({
  hypervisor,
  affinitygroupid,
  projectid,
  groupid,
  networkid,
  userid,
  ids,
}: ListValues) =>
  matchesNothing([hypervisor, 'KVM']) ||
  (affinitygroupid ?? '') !== '' ||
  !['', '-1'].includes(projectid ?? '') ||
  [groupid, networkid, userid].some((given) => given !== undefined && !isUuid(given)) ||
  (ids !== undefined && ids.length > 0 && !ids.some(isUuid));

async function queryOf(
  { db, caller }: CommandContext,
  values: ListValues,
  found: { readonly accountId: number | undefined; readonly clusterIds: readonly string[] },
) {
  const { id: one, ids = [], state } = values;
  const asked = [...(one === undefined ? [] : [one]), ...ids.filter(isUuid)];
  const isAdmin = caller.role === 'admin';
  return {
    ...found,
    ids: asked.length === 0 ? undefined : asked,
    name: values.name,
    keyword: values.keyword,
    state: state === '' ? undefined : state,
    hideDestroyed: isAdmin
      ? values.podid !== undefined && state === undefined
      : !mayUsersSeeDestroyed(await configurationValues(db)),
    zoneId: values.zoneid,
    hostId: values.hostid,
    poolId: values.storageid,
    templateId: values.templateid,
    isoId: values.isoid,
    offeringId: values.serviceofferingid,
    groupId: values.groupid,
    networkId: values.networkid,
    userId: values.userid,
    keypair: values.keypair,
    haEnabled: values.haenable,
    // Users do not see what is not shown to them.
    displayVm: isAdmin ? values.displayvm : true,
    tags: values.tags,
    order: readOrder(values),
  };
}
