import { listClusters as queryClusters } from '../../db/listings/zones.ts';
import { findCluster, findZone } from '../../db/zones.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { checkEntity } from '../entities.ts';
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
    ...pagingParameters,
  },
  objects: 'cluster',
  response: CLUSTER,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findCluster(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const listing = await queryClusters(db, { ...values, zoneId: values.zoneid }, page);
    return answerList('cluster', CLUSTER, listing, caller);
  },
});
