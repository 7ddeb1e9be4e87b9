import { updateServiceOffering as writeOffering } from '../../../db/offerings/service-offerings.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { filled, id, list, name, required, text } from '../../fields/parameters.ts';
import { SERVICE_OFFERING } from '../../fields/answers/offering.ts';
import { checkTagLengths } from '../tags/tags.ts';
import { renamed } from '../zones/zones.ts';
import { checkDomains, offeringState, sortKey } from './offerings.ts';
import { answerServiceOffering, serviceOfferingNamed, zonesAsked } from './service-offerings.ts';

export const updateServiceOffering = defineCommand({
  name: 'updateServiceOffering',
  since: '0.2.0',
  description: 'Changes a service offering. Virtual machines keep the processors and memory that they have.',
  roles: ADMINS,
  parameters: {
    id: required(id('the service offering')),
    name: name('another name'),
    displaytext: text('another description'),
    storagetags: list('replaces the tags that its storage pools must have'),
    hosttags: list('replaces the tags that its hosts must have'),
    state: offeringState,
    sortkey: sortKey,
    zoneid: filled(list('replaces the zones in which it is offered; all for every zone')),
    domainid: list('the domains that it is for: public, or ROOT, which is the same'),
  },
  object: 'serviceoffering',
  response: SERVICE_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const offering = await serviceOfferingNamed(context, 'id', values.id);
    checkTagLengths('storagetags', values.storagetags ?? []);
    checkTagLengths('hosttags', values.hosttags ?? []);
    await checkDomains(
      context,
      values.domainid?.filter((domain) => domain !== 'public'),
    );
    const zoneIds = values.zoneid === undefined ? undefined : await zonesAsked(context, values.zoneid);
    await db.transaction().execute(async (tx) => {
      await writeOffering(
        tx,
        offering.id,
        {
          name: values.name,
          display_text: values.displaytext,
          storage_tags: values.storagetags?.slice(),
          host_tags: values.hosttags?.slice(),
          state: values.state,
          sort_key: values.sortkey,
        },
        zoneIds,
      );
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'SERVICE.OFFERING.EDIT',
          description: `Service offering '${offering.name}' was changed${renamed(offering.name, values.name ?? offering.name)}`,
          resourceType: 'ServiceOffering',
          resourceUuid: offering.uuid,
        },
      );
    });
    return answerServiceOffering(context, offering.uuid);
  },
});
