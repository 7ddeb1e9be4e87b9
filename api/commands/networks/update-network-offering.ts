import { updateNetworkOffering as writeOffering } from '../../../db/networks/network-offerings.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { choice, id, integer, name, orNull, refused, required, text } from '../../fields/parameters.ts';
import { NETWORK_OFFERING } from '../../fields/answers/network.ts';
import { sortKey } from '../offerings/offerings.ts';
import { renamed } from '../zones/zones.ts';
import {
  answerNetworkOffering,
  availability,
  networkOfferingNamed,
  OFFERING_STATES,
} from './network-offerings.ts';

export const updateNetworkOffering = defineCommand({
  name: 'updateNetworkOffering',
  since: '0.2.0',
  description: 'Changes a network offering, such as its state.',
  roles: ADMINS,
  parameters: {
    id: required(id('the network offering')),
    name: name('another name'),
    displaytext: text('another description'),
    state: choice('Enabled, or Disabled: no network is made of it', OFFERING_STATES),
    availability,
    maxconnections: integer('connections at most; kept for other clients'),
    tags: text('other tags; kept for other clients'),
    sortkey: sortKey,
    zoneid: refused('network offerings are of every zone', 'all'),
    domainid: refused('there is one domain', 'public'),
  },
  object: 'networkoffering',
  response: NETWORK_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const offering = await networkOfferingNamed(context, 'id', values.id);
    await db.transaction().execute(async (tx) => {
      await writeOffering(tx, offering.id, {
        name: values.name,
        display_text: values.displaytext,
        state: values.state,
        availability: values.availability,
        max_connections: values.maxconnections,
        tags: orNull(values.tags),
        sort_key: values.sortkey,
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'NETWORK.OFFERING.EDIT',
          description: `Network offering '${offering.name}' was changed${renamed(offering.name, values.name ?? offering.name)}`,
          resourceType: 'NetworkOffering',
          resourceUuid: offering.uuid,
        },
      );
    });
    return answerNetworkOffering(context, offering.uuid);
  },
});
