/** Images for a machine that exists: another template, or an ISO. */
import { zonesOfTemplate } from '../../../db/templates/listing.ts';
import { zoneUuid } from '../../../db/vms/parts.ts';
import { isSharedWith } from '../../../db/templates/sharing.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError } from '../../server/errors.ts';
import type { Template } from '../../fields/entities.ts';
import type { Machine } from './machines.ts';

/** @throws ApiError 431 for an image that the machine's zone lacks, 531 for one that its owner may not use */
export async function requireUsable(
  { db }: CommandContext,
  parameter: string,
  machine: Machine,
  image: Template,
): Promise<void> {
  const zones = await zonesOfTemplate(db, image.id);
  if (image.state !== 'Active' || !zones.includes(await zoneUuid(db, machine.data_center_id))) {
    throw new ApiError(apiCodes.parameter, `The template ${image.uuid} is not available for use`, {
      parameter,
    });
  }
  const own = image.account_id === machine.account_id;
  if (own || image.public || (await isSharedWith(db, image.id, machine.account_id))) return;
  throw new ApiError(
    apiCodes.permission,
    `The owner of the machine may not use '${image.name}': it is neither public nor shared with that account.`,
    { parameter },
  );
}
