import { updateDiskOffering as writeOffering } from '../../../db/offerings/disk-offerings.ts';
import { CACHE_MODES } from '../../../model/vms.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { choice, flag, id, list, name, refused, required, text } from '../../fields/parameters.ts';
import { DISK_OFFERING } from '../../fields/answers/offering.ts';
import { checkTagLengths } from '../tags/tags.ts';
import { renamed } from '../zones/zones.ts';
import { answerDiskOffering, diskOfferingNamed } from './disk-offerings.ts';
import { offeringState, sortKey } from './offerings.ts';

export const updateDiskOffering = defineCommand({
  name: 'updateDiskOffering',
  since: '0.2.0',
  description: 'Changes a disk offering. Disks that have it take their new cache mode at the next start.',
  roles: ADMINS,
  parameters: {
    id: required(id('the disk offering')),
    name: name('another name'),
    displaytext: text('another description'),
    tags: list('replaces the tags that its storage pools must have'),
    cachemode: choice('none, writeback or writethrough', CACHE_MODES),
    displayoffering: flag('whether users see it'),
    state: offeringState,
    sortkey: sortKey,
    zoneid: refused('disk offerings are of every zone', 'all'),
    domainid: refused('there is one domain', 'public'),
  },
  object: 'diskoffering',
  response: DISK_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const offering = await diskOfferingNamed(context, 'id', values.id);
    checkTagLengths('tags', values.tags ?? []);
    await db.transaction().execute(async (tx) => {
      await writeOffering(tx, offering.id, {
        name: values.name,
        display_text: values.displaytext,
        tags: values.tags?.slice(),
        cache_mode: values.cachemode,
        display_offering: values.displayoffering,
        state: values.state,
        sort_key: values.sortkey,
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'DISK.OFFERING.EDIT',
          description: `Disk offering '${offering.name}' was changed${renamed(offering.name, values.name ?? offering.name)}`,
          resourceType: 'DiskOffering',
          resourceUuid: offering.uuid,
        },
      );
    });
    return answerDiskOffering(context, offering.uuid);
  },
});
