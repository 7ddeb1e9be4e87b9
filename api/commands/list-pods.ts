import { listClusters } from '../../db/listings/zones.ts';
import { findZone } from '../../db/zones.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { checkEntity } from '../entities.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { id, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { POD, podId } from '../responses/places.ts';

export const listPods = defineCommand({
  name: 'listPods',
  description: 'Lists pods: each cluster is in one of its own, of the same name.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('those of this name'),
    zoneid: id('those of this zone'),
    ...pagingParameters,
  },
  objects: 'pod',
  response: POD,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const query = { name: values.name, keyword: values.keyword, zoneId: values.zoneid };
    if (values.id === undefined) return answerList('pod', POD, await listClusters(db, query, page), caller);
    const wanted = values.id.toLowerCase();
    const { rows } = await listClusters(db, query, { limit: MOST, offset: 0 });
    const found = rows.filter(({ uuid }) => podId(uuid) === wanted);
    return answerList('pod', POD, { count: found.length, rows: found }, caller);
  },
});

/** Clusters among which a pod is looked for; its id cannot be asked of the database. */
const MOST = 10_000;
