import { databaseTime } from '../../db/database.ts';
import { recordEvent } from '../../db/events.ts';
import { findCopy } from '../../db/copies.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { titleOf } from '../../model/title.ts';
import { inTime } from '../background.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { isIso, poolNamed, resourceTypeOf, templateNamed } from '../entities.ts';
import { ApiError, errorCode } from '../errors.ts';
import { flag, id, required } from '../parameters.ts';
import { render, SUCCESS } from '../response.ts';

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
      await inTime(
        context,
        orchestration.requestRemoval(
          copy,
          caller.username,
          at,
          `Remove ${template.name} from pool ${pool.name}`,
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
    await recordEvent(db, {
      type: isIso(template) ? 'ISO.DEPLOYMENT.CANCEL' : 'TEMPLATE.DEPLOYMENT.CANCEL',
      state: 'Scheduled',
      description: text,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: resourceTypeOf(isIso(template)),
      resourceUuid: template.uuid,
      workflowId: copyWorkflowId(template.uuid, pool.uuid),
    });
    return render(SUCCESS, { text }, caller);
  },
});

const nothing = (what: string): ApiError =>
  new ApiError(errorCode.parameter, `There is no deployment of ${what} to cancel: nothing runs for it.`);
