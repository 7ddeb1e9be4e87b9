import { DEPLOYMENT_COLUMNS, listDeployments } from '../../../db/copies/listing.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';
import { findHost } from '../hosts/find-host.ts';
import { findPool } from '../../../db/pools/listing.ts';
import { findRollout } from '../../../db/rollouts/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity, templateNamed } from '../../fields/entities.ts';
import { orderParameters, pagingParameters, readOrder, readPage } from '../../fields/paging.ts';
import { choice, id, isUuid } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { DEPLOYMENT, DEPLOYMENT_STATES, liveOf, viewDeployments } from '../../fields/answers/deployment.ts';

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
    rolloutid: id('those of this roll-out, by the id of its job; for administrators'),
    hostid: id('those that this host downloads now; for administrators'),
    state: choice('those in this state', DEPLOYMENT_STATES),
    ...orderParameters(DEPLOYMENT_COLUMNS),
    ...pagingParameters,
  },
  objects: 'templatedeployment',
  response: DEPLOYMENT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkFilters(context, values);
    // Removed copies have no row. A caller who follows a removal must get an empty list, not an error.
    if (values.id !== undefined && !isUuid(values.id)) return {};
    const query = {
      accountId: caller.role === 'admin' ? undefined : caller.accountId,
      id: values.id,
      templateId: values.templateid,
      poolId: values.storageid,
      zoneId: values.zoneid,
      jobId: values.rolloutid,
      hostId: values.hostid,
      state: values.state,
      keyword: values.keyword,
      order: readOrder(values),
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
    readonly rolloutid: string | undefined;
    readonly hostid: string | undefined;
  },
): Promise<void> {
  const { db, caller } = context;
  requireAdminFor(context, { hostid: values.hostid });
  if (values.templateid !== undefined) await templateNamed(context, 'templateid', values.templateid);
  await checkEntity(context, 'storageid', values.storageid, (uuid) => findPool(db, uuid));
  await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
  await checkEntity(context, 'hostid', values.hostid, (uuid) => findHost(db, uuid));
  await checkEntity(context, 'rolloutid', values.rolloutid, async (uuid) =>
    caller.role === 'admin' ? findRollout(db, uuid) : undefined,
  );
}
