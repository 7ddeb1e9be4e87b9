import { findDiskOffering } from '../../../db/offerings/disk-offerings.ts';
import { findPool } from '../../../db/pools/listing.ts';
import { isVolume, listVolumes as queryVolumes } from '../../../db/vms/volume-listing.ts';
import { configurationValues } from '../../../db/zones/configurations.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { mayUsersSeeDestroyed } from '../../../model/configurations.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity, clustersAsked } from '../../fields/entities.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, isUuid, list, type ParameterValues, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { VOLUME } from '../../fields/answers/volume.ts';
import { findHost } from '../hosts/find-host.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';

const parameters = {
  id: id('this one'),
  ids: list('these'),
  name: text('those of this name'),
  type: choice('ROOT, or DATADISK, of which there are none', ['ROOT', 'DATADISK']),
  state: text('those in this state'),
  virtualmachineid: id('those of this machine'),
  zoneid: id('those in this zone'),
  diskofferingid: id('those of this disk offering'),
  hostid: id('those of machines on this host; for administrators'),
  podid: id('those on pools of this pod; for administrators'),
  clusterid: id('those on pools of this cluster; for administrators'),
  storageid: id('those on this pool; for administrators'),
  projectid: text('accepted as -1 for other clients: there are no projects'),
  isrecursive: flag('accepted for other clients: there is one domain'),
  ...ownerParameters,
  ...pagingParameters,
};

export const listVolumes = defineCommand({
  name: 'listVolumes',
  since: '0.2.0',
  description: 'Lists the disks of virtual machines. Users see those of their account.',
  roles: EVERYBODY,
  parameters,
  objects: 'volume',
  response: VOLUME,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const accountId = await ownerOf(context, values);
    const clusterIds = await checkFilters(context, values);
    const { ids = [], virtualmachineid } = values;
    const asked = [...(values.id === undefined ? [] : [values.id]), ...ids.filter(isUuid)];
    const unknown = ids.length > 0 && asked.length === 0;
    if (unknown || !['', '-1'].includes(values.projectid ?? '')) return {};
    if (virtualmachineid !== undefined && !isUuid(virtualmachineid)) return {};
    const query = {
      accountId,
      clusterIds,
      ids: asked.length === 0 ? undefined : asked,
      name: values.name,
      keyword: values.keyword,
      type: values.type,
      state: values.state === '' ? undefined : values.state,
      vmId: virtualmachineid,
      poolId: values.storageid,
      hostId: values.hostid,
      zoneId: values.zoneid,
      diskOfferingId: values.diskofferingid,
      hideDestroyed: caller.role !== 'admin' && !mayUsersSeeDestroyed(await configurationValues(db)),
    };
    return answerList('volume', VOLUME, await queryVolumes(db, query, page), caller);
  },
});

/** @returns the clusters that are named @throws ApiError 431 for an id of nothing, 531 for filters of administrators */
async function checkFilters(
  context: CommandContext,
  values: ParameterValues<typeof parameters>,
): Promise<readonly string[]> {
  const { db, caller } = context;
  const { hostid, podid, clusterid, storageid } = values;
  requireAdminFor(context, { hostid, podid, clusterid, storageid });
  await checkEntity(context, 'id', values.id, async (uuid) =>
    (await isVolume(db, uuid, caller.role === 'admin' ? undefined : caller.accountId)) ? uuid : undefined,
  );
  await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
  await checkEntity(context, 'hostid', hostid, (uuid) => findHost(db, uuid));
  await checkEntity(context, 'storageid', storageid, (uuid) => findPool(db, uuid));
  await checkEntity(context, 'diskofferingid', values.diskofferingid, (uuid) => findDiskOffering(db, uuid));
  return clustersAsked(context, { clusterid }, { podid });
}
