/** deleteServiceOffering and deleteDiskOffering. */
import { findDiskOffering, removeDiskOffering } from '../../../db/offerings/disk-offerings.ts';
import { findServiceOffering, removeServiceOffering } from '../../../db/offerings/service-offerings.ts';
import type { Queryable } from '../../../db/database.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, type Command, defineCommand } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';

interface Kind {
  readonly name: string;
  /** Such as `service offering`. */
  readonly what: string;
  readonly description: string;
  readonly event: string;
  readonly resourceType: 'ServiceOffering' | 'DiskOffering';
  readonly find: (
    db: Queryable,
    uuid: string,
  ) => Promise<{ readonly id: number; readonly uuid: string; readonly name: string } | undefined>;
  readonly remove: (db: Queryable, id: number) => Promise<void>;
}

const deletion = ({ name, what, description, event, resourceType, find, remove }: Kind): Command =>
  defineCommand({
    name,
    since: '0.2.0',
    description,
    roles: ADMINS,
    parameters: { id: required(id(`the ${what}`)) },
    response: SUCCESS,
    async run(context, values) {
      const { db, caller } = context;
      const offering = await entity(context, 'id', values.id, (uuid) => find(db, uuid));
      const text = `${what[0]?.toUpperCase()}${what.slice(1)} '${offering.name}' was removed`;
      await db.transaction().execute(async (tx) => {
        await remove(tx, offering.id);
        await recordCallerEvent(
          { db: tx, caller },
          { type: event, description: text, resourceType, resourceUuid: offering.uuid },
        );
      });
      return render(SUCCESS, { text }, caller);
    },
  });

export const deleteServiceOffering = deletion({
  name: 'deleteServiceOffering',
  what: 'service offering',
  description: 'Removes a service offering. Virtual machines that have it keep it.',
  event: 'SERVICE.OFFERING.DELETE',
  resourceType: 'ServiceOffering',
  find: findServiceOffering,
  remove: removeServiceOffering,
});

export const deleteDiskOffering = deletion({
  name: 'deleteDiskOffering',
  what: 'disk offering',
  description: 'Removes a disk offering. Disks that have it keep it.',
  event: 'DISK.OFFERING.DELETE',
  resourceType: 'DiskOffering',
  find: findDiskOffering,
  remove: removeDiskOffering,
});
