/** What the commands for service offerings share. */
import { listServiceOfferings } from '../../../db/offerings/listing.ts';
import { findServiceOffering, type ServiceOffering } from '../../../db/offerings/service-offerings.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity, zoneNamed } from '../../fields/entities.ts';
import { type Answer, answerOne } from '../../fields/response.ts';
import { SERVICE_OFFERING } from '../../fields/answers/offering.ts';

export const serviceOfferingNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<ServiceOffering> =>
  entity(context, parameter, id, (uuid) => findServiceOffering(context.db, uuid));

/** The zones that an offering is restricted to: none for `all`. @throws ApiError 431 */
export async function zonesAsked(
  context: CommandContext,
  zones: readonly string[] | undefined,
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const zone of zones ?? [])
    if (zone.toLowerCase() !== 'all') ids.push((await zoneNamed(context, 'zoneid', zone)).id);
  return [...new Set(ids)];
}

export async function answerServiceOffering({ db, caller }: CommandContext, uuid: string): Promise<Answer> {
  const { rows } = await listServiceOfferings(db, { id: uuid }, { limit: 1, offset: 0 });
  return answerOne('serviceoffering', SERVICE_OFFERING, rows, caller);
}
