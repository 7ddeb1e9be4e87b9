import { listClusters as queryClusters } from '../../../db/zones/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { matchesNothing, fixedFilter } from '../../fields/fixed-filters.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { checkEntity, clustersAsked } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { CLUSTER } from '../../fields/answers/places.ts';

export const listClusters = defineCommand({
  name: 'listClusters',
  description: 'Lists clusters.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    podid: id('the one of this pod'),
    hypervisor: fixedFilter('hypervisor', 'KVM'),
    clustertype: fixedFilter('type', 'CloudManaged'),
    allocationstate: choice('those of this allocation state', ['Enabled', 'Disabled']),
    managedstate: fixedFilter('state', 'Managed'),
    ...pagingParameters,
  },
  objects: 'cluster',
  response: CLUSTER,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const ids = await clustersAsked(context, { id: values.id }, { podid: values.podid });
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const { hypervisor, clustertype, allocationstate, managedstate } = values;
    if (matchesNothing([hypervisor, 'KVM'], [clustertype, 'CloudManaged'], [managedstate, 'Managed']))
      return {};
    const listing = await queryClusters(
      db,
      { ...values, ids, zoneId: values.zoneid, allocationState: allocationstate },
      page,
    );
    return answerList('cluster', CLUSTER, listing, caller);
  },
});
