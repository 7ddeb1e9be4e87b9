/** What the commands for disk offerings share. */
import { type DiskOffering, findDiskOffering } from '../../../db/offerings/disk-offerings.ts';
import { listDiskOfferings } from '../../../db/offerings/listing.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { type Answer, answerOne } from '../../fields/response.ts';
import { DISK_OFFERING } from '../../fields/answers/offering.ts';

export const diskOfferingNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<DiskOffering> => entity(context, parameter, id, (uuid) => findDiskOffering(context.db, uuid));

export async function answerDiskOffering({ db, caller }: CommandContext, uuid: string): Promise<Answer> {
  const { rows } = await listDiskOfferings(db, { id: uuid }, { limit: 1, offset: 0 });
  return answerOne('diskoffering', DISK_OFFERING, rows, caller);
}
