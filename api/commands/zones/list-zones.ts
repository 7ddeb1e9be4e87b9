import { listZones as queryZones } from '../../../db/zones/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, isUuid, list, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { ZONE } from '../../fields/answers/places.ts';

export const listZones = defineCommand({
  name: 'listZones',
  description: 'Lists zones. Users see those that are enabled.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    ids: list('these'),
    name: text('the one of this name'),
    networktype: choice('those of this type of network', ['Basic', 'Advanced']),
    available: flag('accepted for other clients: every zone that is listed is available'),
    ...pagingParameters,
  },
  objects: 'zone',
  response: ZONE,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findZone(db, uuid));
    const query = {
      id: values.id,
      ids: values.ids?.filter(isUuid),
      name: values.name,
      networkType: values.networktype,
      enabledOnly: caller.role !== 'admin',
      keyword: values.keyword,
    };
    return answerList('zone', ZONE, await queryZones(db, query, page), caller);
  },
});
