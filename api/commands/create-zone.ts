import { AlreadyExists } from '../../db/accounts.ts';
import { recordEvent } from '../../db/events.ts';
import { listZones } from '../../db/listings/zones.ts';
import { createZone as insertZone } from '../../db/zones.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { badParameter } from '../errors.ts';
import { flag, name, required } from '../parameters.ts';
import { answerOne } from '../response.ts';
import { ZONE } from '../responses/places.ts';

export const createZone = defineCommand({
  name: 'createZone',
  description: 'Makes a zone.',
  roles: ADMINS,
  parameters: {
    name: required(name('the name')),
    demandallmirrors: flag('whether a registration demands that every URL can be reached; false when absent'),
  },
  object: 'zone',
  response: ZONE,
  async run({ db, caller }, values) {
    const made = await db.transaction().execute(async (tx) => {
      const zone = await insertZone(tx, {
        name: values.name,
        demandAllMirrors: values.demandallmirrors ?? false,
      }).catch((error: unknown) => {
        throw error instanceof AlreadyExists ? badParameter('name', `is taken: ${error.message}.`) : error;
      });
      await recordEvent(tx, {
        type: 'ZONE.CREATE',
        description: `Zone '${zone.name}' was made`,
        userUuid: caller.userUuid,
        accountUuid: caller.accountUuid,
        resourceType: 'Zone',
        resourceUuid: zone.uuid,
      });
      return zone;
    });
    const { rows } = await listZones(db, { id: made.uuid }, { limit: 1, offset: 0 });
    return answerOne('zone', ZONE, rows, caller);
  },
});
