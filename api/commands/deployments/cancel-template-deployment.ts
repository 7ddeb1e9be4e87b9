import { databaseTime } from '../../../db/database.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { findCopy } from '../../../db/copies/copies.ts';
import { usersOf } from '../../../db/copies/users.ts';
import type { CopyUuids } from '../../../db/jobs/jobs.ts';
import { copyWorkflowId } from '../../../model/names.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { titleOf } from '../../../model/title.ts';
import { inTime } from '../../server/temporal-deadline.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { poolNamed, templateNamed } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';

export const cancelTemplateDeployment = defineCommand({
  name: 'cancelTemplateDeployment',
  description:
    'Stops the deployment of a template or ISO to a pool, for all who wait for it. What is there of it stays, unless cleanup is true.',
  roles: ADMINS,
  parameters: {
    templateid: required(id('the template or ISO')),
    storageid: required(id('the pool')),
    cleanup: flag('whether to remove what is there of it, the whole copy too'),
  },
  response: SUCCESS,
  async run(context, values) {
    const { db, orchestration, caller } = context;
    const template = await templateNamed(context, 'templateid', values.templateid);
    const pool = await poolNamed(context, 'storageid', values.storageid);
    const copy = { templateId: template.uuid, poolId: pool.uuid };
    const what = `${titleOf(template, 'middle')} on pool '${pool.name}'`;
    const cleanup = values.cleanup === true;
    const at = await databaseTime(db);
    if (cleanup) {
      const there = (await findCopy(db, copy)) !== undefined;
      if (
        !there &&
        !(await inTime(context, orchestration.isRunning(copyWorkflowId(template.uuid, pool.uuid))))
      ) {
        throw nothing(what);
      }
      await requireUnused(context, copy, what);
      await inTime(
        context,
        orchestration.requestRemoval(
          copy,
          { by: caller.username, at },
          { template: template.name, pool: pool.name },
        ),
      );
    } else if (
      !(await inTime(context, orchestration.requestStop(copy, { by: caller.username, remove: false, at })))
    ) {
      throw nothing(what);
    }
    const text = cleanup
      ? `The copy of ${what} is being removed`
      : `The deployment of ${what} is being stopped`;
    await recordCallerEvent(
      { db, caller },
      {
        type: eventType(template, 'DEPLOYMENT.CANCEL'),
        state: 'Scheduled',
        description: text,
        resourceType: resourceTypeOf(template),
        resourceUuid: template.uuid,
        workflowId: copyWorkflowId(template.uuid, pool.uuid),
      },
    );
    return render(SUCCESS, { text }, caller);
  },
});

/** @throws ApiError 536 while virtual machines stand on the copy */
async function requireUnused({ db }: CommandContext, copy: CopyUuids, what: string): Promise<void> {
  const users = await usersOf(db, copy);
  if (users === 0) return;
  const advice = 'expunge them first';
  const machines = users === 1 ? 'one virtual machine uses it' : `${users} virtual machines use it`;
  throw new ApiError(apiCodes.inUse, `The copy of ${what} cannot be removed: ${machines}; ${advice}.`, {
    advice,
  });
}

const nothing = (what: string): ApiError =>
  new ApiError(apiCodes.parameter, `There is no deployment of ${what} to cancel: nothing runs for it.`);
