import { HOST_COLUMNS, listHosts as queryHosts } from '../../../db/hosts/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { matchesNothing, fixedFilter } from '../../fields/fixed-filters.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { checkEntity, clustersAsked } from '../../fields/entities.ts';
import { findHost } from './find-host.ts';
import { orderParameters, pagingParameters, readOrder, readPage } from '../../fields/paging.ts';
import { choice, id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { HOST } from '../../fields/answers/host.ts';

export const listHosts = defineCommand({
  name: 'listHosts',
  description: 'Lists KVM hosts.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    clusterid: id('those of this cluster'),
    podid: id('those of this pod'),
    state: choice('Up or Down', ['Up', 'Down']),
    resourcestate: choice('Enabled, Disabled or Maintenance', ['Enabled', 'Disabled', 'Maintenance']),
    type: fixedFilter('type', 'Routing'),
    hypervisor: fixedFilter('hypervisor', 'KVM'),
    version: text('those whose worker is of this version'),
    ...orderParameters(HOST_COLUMNS),
    ...pagingParameters,
  },
  objects: 'host',
  response: HOST,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findHost(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const clusterIds = await clustersAsked(context, { clusterid: values.clusterid }, { podid: values.podid });
    if (matchesNothing([values.type, 'Routing'], [values.hypervisor, 'KVM'])) return {};
    const query = {
      id: values.id,
      name: values.name,
      zoneId: values.zoneid,
      clusterIds,
      up: values.state === undefined ? undefined : values.state === 'Up',
      resourceState: values.resourcestate,
      version: values.version,
      keyword: values.keyword,
      order: readOrder(values),
    };
    return answerList('host', HOST, await queryHosts(db, query, page), caller);
  },
});
