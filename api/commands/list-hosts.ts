import { listHosts as queryHosts } from '../../db/listings/hosts.ts';
import { findZone } from '../../db/zones.ts';
import { asksForOthers, constant } from '../constants.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { checkEntity, clustersAsked } from '../entities.ts';
import { findHost } from '../hosts.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { choice, id, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { HOST } from '../responses/host.ts';

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
    type: constant('type', 'Routing'),
    hypervisor: constant('hypervisor', 'KVM'),
    version: text('those whose worker is of this version'),
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
    if (asksForOthers([values.type, 'Routing'], [values.hypervisor, 'KVM'])) return {};
    const query = {
      id: values.id,
      name: values.name,
      zoneId: values.zoneid,
      clusterIds,
      up: values.state === undefined ? undefined : values.state === 'Up',
      resourceState: values.resourcestate,
      version: values.version,
      keyword: values.keyword,
    };
    return answerList('host', HOST, await queryHosts(db, query, page), caller);
  },
});
