import { recordCallerEvent } from '../../server/caller-event.ts';
import { isEmpty, removeZone } from '../../../db/zones/zone-removal.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { stillOccupied } from './zones.ts';

export const deleteZone = defineCommand({
  name: 'deleteZone',
  since: '0.2.0',
  description:
    'Removes a zone without hosts, clusters, storage pools, certificates, and templates that are in it alone.',
  roles: ADMINS,
  parameters: { id: required(id('the zone')) },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller } = context;
    const zone = await zoneNamed(context, 'id', values.id);
    const occupants = await removeZone(db, zone.id);
    if (!isEmpty(occupants)) throw stillOccupied(`Zone '${zone.name}'`, occupants);
    const text = `Zone '${zone.name}' was removed`;
    await recordCallerEvent(
      { db, caller },
      {
        type: 'ZONE.DELETE',
        description: text,
        resourceType: 'Zone',
        resourceUuid: zone.uuid,
      },
    );
    return render(SUCCESS, { text }, caller);
  },
});
