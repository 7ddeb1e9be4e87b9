import { listClusters } from '../../db/listings/zones.ts';
import { findZone } from '../../db/zones.ts';
import { asksForOthers, constant } from '../constants.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { checkEntity, clustersAsked } from '../entities.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { id, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { POD } from '../responses/places.ts';

export const listPods = defineCommand({
  name: 'listPods',
  description: 'Lists pods: each cluster is in one of its own, of the same name.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    allocationstate: constant('allocation state', 'Enabled'),
    ...pagingParameters,
  },
  objects: 'pod',
  response: POD,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const ids = await clustersAsked(context, {}, { id: values.id });
    if (asksForOthers([values.allocationstate, 'Enabled'])) return {};
    const query = { ids, name: values.name, keyword: values.keyword, zoneId: values.zoneid };
    return answerList('pod', POD, await listClusters(db, query, page), caller);
  },
});
