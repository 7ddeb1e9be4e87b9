import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { listZones } from '../../../db/zones/listing.ts';
import { createZone as insertZone } from '../../../db/zones/zones.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { checkDomain } from '../../fields/owners.ts';
import { choice, id, name, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { ZONE } from '../../fields/answers/places.ts';
import { zoneFacts, zoneParameters } from './zones.ts';

export const createZone = defineCommand({
  name: 'createZone',
  description: 'Makes a zone.',
  roles: ADMINS,
  parameters: {
    name: required(name('the name')),
    networktype: choice('Basic or Advanced; kept for other clients; Advanced when absent', [
      'Basic',
      'Advanced',
    ]),
    domainid: id('the domain; there is one, ROOT, and every zone is in it'),
    ...zoneParameters,
  },
  object: 'zone',
  response: ZONE,
  async run(context, values) {
    const { db, caller } = context;
    await checkDomain(context, values.domainid);
    const facts = { ...zoneFacts(values), networktype: values.networktype };
    const made = await db.transaction().execute(async (tx) => {
      const zone = await insertZone(tx, { name: values.name, ...facts }).catch((error: unknown) => {
        throw error instanceof AlreadyExists ? badParameter('name', `is taken: ${error.message}.`) : error;
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'ZONE.CREATE',
          description: `Zone '${zone.name}' was made`,
          resourceType: 'Zone',
          resourceUuid: zone.uuid,
        },
      );
      return zone;
    });
    const { rows } = await listZones(db, { id: made.uuid }, { limit: 1, offset: 0 });
    return answerOne('zone', ZONE, rows, caller);
  },
});
