/** pauseTemplateRollout, resumeTemplateRollout and cancelTemplateRollout. */
import { findRollout, type RolloutListRow } from '../../../db/rollouts/listing.ts';
import { cancelRollout, changeRollout } from '../../../db/rollouts/rollouts.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { rolloutWorkflowId } from '../../../model/names.ts';
import { titleOf } from '../../../model/title.ts';
import { ROLLOUT, viewRollouts } from '../../fields/answers/rollout.ts';
import { entity } from '../../fields/entities.ts';
import { id, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, type Command, type CommandContext, defineCommand } from '../../server/command.ts';
import { ApiError } from '../../server/errors.ts';
import { begin } from '../../server/temporal-deadline.ts';

interface Change {
  readonly name: string;
  readonly description: string;
  /** The last word of its event's type, and what happened. */
  readonly event: 'PAUSE' | 'RESUME' | 'CANCEL';
  readonly happened: string;
  /** @returns false when the roll-out is in no state for it */
  readonly change: (context: CommandContext, jobId: string) => Promise<boolean>;
}

const steering = ({ name, description, event, happened, change }: Change): Command =>
  defineCommand({
    name,
    since: '0.2.0',
    description,
    roles: ADMINS,
    parameters: { id: required(id('the roll-out, by the id of its job')) },
    object: 'templaterollout',
    response: ROLLOUT,
    async run(context, { id: jobId }) {
      const { db, caller, orchestration } = context;
      const rollout = await entity(context, 'id', jobId, (uuid) => findRollout(db, uuid));
      if (!(await change(context, rollout.uuid))) throw notNow(rollout, happened);
      const { template_uuid: templateId, template_name: templateName, format, zone_name: zone } = rollout;
      const title = titleOf({ format, name: templateName }, 'middle');
      await recordCallerEvent(
        { db, caller },
        {
          type: eventType(rollout, `ROLLOUT.${event}`),
          description: `The roll-out of ${title} in zone '${zone}' was ${happened}`,
          resourceType: resourceTypeOf(rollout),
          resourceUuid: templateId,
          workflowId: rolloutWorkflowId(rollout.uuid),
        },
      );
      await begin(context, orchestration.requestRollout({ jobId: rollout.uuid, templateId, templateName }));
      const changed = await findRollout(db, rollout.uuid);
      const views = await viewRollouts(context, changed === undefined ? [] : [changed]);
      return answerOne('templaterollout', ROLLOUT, views, caller);
    },
  });

const notNow = ({ shown_state: state }: RolloutListRow, happened: string): ApiError =>
  new ApiError(apiCodes.parameter, `The roll-out is ${state}, and cannot be ${happened}.`, {
    parameter: 'id',
  });

export const pauseTemplateRollout = steering({
  name: 'pauseTemplateRollout',
  description: 'Has a roll-out begin no more copies until it is resumed. Copies under way go on.',
  event: 'PAUSE',
  happened: 'paused',
  change: ({ db }, jobId) => changeRollout(db, jobId, { from: 'Running', to: 'Paused' }),
});

export const resumeTemplateRollout = steering({
  name: 'resumeTemplateRollout',
  description: 'Lets a roll-out that was paused go on.',
  event: 'RESUME',
  happened: 'resumed',
  change: ({ db }, jobId) => changeRollout(db, jobId, { from: 'Paused', to: 'Running' }),
});

export const cancelTemplateRollout = steering({
  name: 'cancelTemplateRollout',
  description:
    'Ends a roll-out. Copies under way that nobody else waits for are stopped, and keep their bytes; what is there stays.',
  event: 'CANCEL',
  happened: 'cancelled',
  change: ({ db, caller }, jobId) => cancelRollout(db, jobId, caller.username),
});
