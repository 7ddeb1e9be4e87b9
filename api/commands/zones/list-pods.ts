import { listClusters } from '../../../db/zones/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { checkEntity, clustersAsked } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { POD } from '../../fields/answers/places.ts';

export const listPods = defineCommand({
  name: 'listPods',
  description: 'Lists pods: each cluster is in one of its own, of the same name.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    allocationstate: choice('those of this allocation state', ['Enabled', 'Disabled']),
    ...pagingParameters,
  },
  objects: 'pod',
  response: POD,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const ids = await clustersAsked(context, {}, { id: values.id });
    const query = {
      ids,
      name: values.name,
      keyword: values.keyword,
      zoneId: values.zoneid,
      allocationState: values.allocationstate,
    };
    return answerList('pod', POD, await listClusters(db, query, page), caller);
  },
});
