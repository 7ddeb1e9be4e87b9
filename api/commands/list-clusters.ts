import { listClusters as queryClusters } from '../../db/listings/zones.ts';
import { findZone } from '../../db/zones.ts';
import { asksForOthers, constant } from '../constants.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { checkEntity, clustersAsked } from '../entities.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { id, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { CLUSTER } from '../responses/places.ts';

export const listClusters = defineCommand({
  name: 'listClusters',
  description: 'Lists clusters.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    podid: id('the one of this pod'),
    hypervisor: constant('hypervisor', 'KVM'),
    clustertype: constant('type', 'CloudManaged'),
    allocationstate: constant('allocation state', 'Enabled'),
    managedstate: constant('state', 'Managed'),
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
    if (
      asksForOthers(
        [hypervisor, 'KVM'],
        [clustertype, 'CloudManaged'],
        [allocationstate, 'Enabled'],
        [managedstate, 'Managed'],
      )
    )
      return {};
    const listing = await queryClusters(db, { ...values, ids, zoneId: values.zoneid }, page);
    return answerList('cluster', CLUSTER, listing, caller);
  },
});
