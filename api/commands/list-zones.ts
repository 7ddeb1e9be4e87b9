import { listZones as queryZones } from '../../db/listings/zones.ts';
import { findZone } from '../../db/zones.ts';
import { asksForOthers, constant } from '../constants.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { checkEntity } from '../entities.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { flag, id, isUuid, list, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { ZONE } from '../responses/places.ts';

export const listZones = defineCommand({
  name: 'listZones',
  description: 'Lists zones.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    ids: list('these'),
    name: text('the one of this name'),
    networktype: constant('type of network', 'Advanced'),
    available: flag('taken for the sake of other clients: every zone is available'),
    ...pagingParameters,
  },
  objects: 'zone',
  response: ZONE,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findZone(db, uuid));
    if (asksForOthers([values.networktype, 'Advanced'])) return {};
    const ids = values.ids?.filter(isUuid);
    return answerList('zone', ZONE, await queryZones(db, { ...values, ids }, page), caller);
  },
});
