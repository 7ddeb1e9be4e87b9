/** The event of a roll-out's end. */
import { eventType, resourceTypeOf } from '../../model/event-types.ts';
import { endOfRollout } from '../../model/rollout.ts';
import { titleOf } from '../../model/title.ts';
import type { Queryable } from '../database.ts';
import { recordEvent } from '../events/events.ts';
import type { RolloutListRow } from './listing.ts';

/** Doing it again changes nothing. */
export async function recordRolloutEnd(
  db: Queryable,
  rollout: RolloutListRow,
  workflowId: string,
): Promise<void> {
  const { format, template_name: name, zone_name: zone } = rollout;
  await recordEvent(db, {
    type: eventType(rollout, 'ROLLOUT'),
    level: rollout.failed > 0 ? 'ERROR' : 'INFO',
    description: `The roll-out of ${titleOf({ format, name }, 'middle')} in zone '${zone}' has ended: ${endOfRollout(rollout)}`,
    accountUuid: rollout.account_uuid,
    resourceType: resourceTypeOf(rollout),
    resourceUuid: rollout.template_uuid,
    workflowId,
    once: `rollout:${rollout.uuid}`,
  });
}
