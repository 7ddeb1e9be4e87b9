import { listDeployments } from '../../db/listings/deployments.ts';
import { findPool } from '../../db/listings/pools.ts';
import { findZone } from '../../db/zones.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../command.ts';
import { checkEntity, templateNamed } from '../entities.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { choice, id, isUuid } from '../parameters.ts';
import { answerList } from '../response.ts';
import { DEPLOYMENT, DEPLOYMENT_STATES, liveOf, viewDeployments } from '../responses/deployment.ts';

export const listTemplateDeployments = defineCommand({
  name: 'listTemplateDeployments',
  description:
    'Lists templates and ISOs on pools: what is there, what is on its way and how far, and what failed and why.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    templateid: id('those of this template or ISO'),
    storageid: id('those on this pool'),
    zoneid: id('those in this zone'),
    state: choice('those in this state', DEPLOYMENT_STATES),
    orderby: choice('created, or activity: what runs or failed first', ['created', 'activity']),
    ...pagingParameters,
  },
  objects: 'templatedeployment',
  response: DEPLOYMENT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkFilters(context, values);
    // What was removed (and its row with it) has no entry; that is no mistake of who asks how it goes.
    if (values.id !== undefined && !isUuid(values.id)) return {};
    const query = {
      accountId: caller.role === 'admin' ? undefined : caller.accountId,
      id: values.id,
      templateId: values.templateid,
      poolId: values.storageid,
      zoneId: values.zoneid,
      state: values.state,
      keyword: values.keyword,
      byActivity: values.orderby === 'activity',
    };
    const { count, rows } = await listDeployments(db, query, page);
    const views = await viewDeployments(db, rows, await liveOf(context, rows));
    return answerList('templatedeployment', DEPLOYMENT, { count, rows: views }, caller);
  },
});

async function checkFilters(
  context: CommandContext,
  values: {
    readonly templateid: string | undefined;
    readonly storageid: string | undefined;
    readonly zoneid: string | undefined;
  },
): Promise<void> {
  const { db } = context;
  if (values.templateid !== undefined) await templateNamed(context, 'templateid', values.templateid);
  await checkEntity(context, 'storageid', values.storageid, (uuid) => findPool(db, uuid));
  await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
}
