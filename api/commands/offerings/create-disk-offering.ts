import { createDiskOffering as insertOffering } from '../../../db/offerings/disk-offerings.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { flag, integer, name, refused, required, text } from '../../fields/parameters.ts';
import { DISK_OFFERING } from '../../fields/answers/offering.ts';
import { checkTagLengths } from '../tags/tags.ts';
import { answerDiskOffering } from './disk-offerings.ts';
import { checkDomains, diskParameters } from './offerings.ts';

export const createDiskOffering = defineCommand({
  name: 'createDiskOffering',
  since: '0.2.0',
  description: 'Makes a disk offering.',
  roles: ADMINS,
  parameters: {
    name: required(name('the name')),
    displaytext: text('the description; the name when absent'),
    disksize: integer('gigabytes; without it, the user gives the size', { min: 1 }),
    customized: flag('true: the user gives the size; false: with disksize'),
    ...diskParameters,
    disksizestrictness: flag('whether disks keep their size'),
    displayoffering: flag('whether users see it; true when absent'),
    encrypt: refused('disks are not encrypted here', 'false'),
    zoneid: refused('disk offerings are of every zone', 'all'),
  },
  object: 'diskoffering',
  response: DISK_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    checkTagLengths('tags', values.tags ?? []);
    checkSize(values.disksize, values.customized);
    await checkDomains(context, values.domainid);
    const uuid = await db.transaction().execute(async (tx) => {
      const made = await insertOffering(tx, {
        name: values.name,
        display_text: values.displaytext || values.name,
        disk_size: values.disksize ?? null,
        storage_type: values.storagetype,
        provisioning_type: values.provisioningtype,
        cache_mode: values.cachemode,
        tags: [...(values.tags ?? [])],
        disk_size_strictness: values.disksizestrictness,
        display_offering: values.displayoffering,
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'DISK.OFFERING.CREATE',
          description: `Disk offering '${values.name}' was made`,
          resourceType: 'DiskOffering',
          resourceUuid: made,
        },
      );
      return made;
    });
    return answerDiskOffering(context, uuid);
  },
});

/** @throws ApiError 431 when the two contradict each other */
function checkSize(size: number | undefined, customized: boolean | undefined): void {
  if (customized === false && size === undefined)
    throw badParameter('disksize', 'is missing: with customized=false, give gigabytes.');
  if (customized === true && size !== undefined)
    throw badParameter('disksize', 'is given, but with customized=true the user gives the size; give one.');
}
