import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { listZones } from '../../../db/zones/listing.ts';
import { updateZone as writeZone } from '../../../db/zones/zones.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { id, name, refused, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { ZONE } from '../../fields/answers/places.ts';
import { renamed, zoneFacts, zoneParameters } from './zones.ts';

export const updateZone = defineCommand({
  name: 'updateZone',
  since: '0.2.0',
  description: 'Changes a zone. Hosts that name it in --zone need a new name before their next start.',
  roles: ADMINS,
  parameters: {
    id: required(id('the zone')),
    name: name('another name'),
    ispublic: refused('every zone is there for every account', 'true'),
    sortkey: refused('zones are listed in the order in which they were made'),
    ...zoneParameters,
  },
  object: 'zone',
  response: ZONE,
  async run(context, values) {
    const { db, caller } = context;
    const zone = await zoneNamed(context, 'id', values.id);
    const facts = zoneFacts(values);
    await db.transaction().execute(async (tx) => {
      const updated = await writeZone(tx, zone.id, { name: values.name, ...facts }).catch(
        (error: unknown) => {
          throw error instanceof AlreadyExists ? badParameter('name', `is taken: ${error.message}.`) : error;
        },
      );
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'ZONE.EDIT',
          description: `Zone '${zone.name}' was changed${renamed(zone.name, updated.name)}`,
          resourceType: 'Zone',
          resourceUuid: zone.uuid,
        },
      );
    });
    const { rows } = await listZones(db, { id: zone.uuid }, { limit: 1, offset: 0 });
    return answerOne('zone', ZONE, rows, caller);
  },
});
