import { listZones as queryZones } from '../../db/listings/zones.ts';
import { findZone } from '../../db/zones.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { checkEntity } from '../entities.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { id, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { ZONE } from '../responses/places.ts';

export const listZones = defineCommand({
  name: 'listZones',
  description: 'Lists zones.',
  roles: EVERYBODY,
  parameters: { id: id('this one'), name: text('the one of this name'), ...pagingParameters },
  objects: 'zone',
  response: ZONE,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findZone(db, uuid));
    return answerList('zone', ZONE, await queryZones(db, values, page), caller);
  },
});
