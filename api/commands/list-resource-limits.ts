import { listTemplateLimits, type LimitRow } from '../../db/resource-limits.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { ownerNamed, ownerParameters } from '../owners.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { choice } from '../parameters.ts';
import { TEMPLATE_RESOURCE } from '../resource-limits.ts';
import { answerList, long, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from '../responses/domain.ts';

export const LIMIT: Shape<LimitRow> = {
  account: string('the name of the account', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  resourcetype: string('the type of the resource: 4', () => TEMPLATE_RESOURCE),
  resourcetypename: string('its name: template', () => 'template'),
  max: long('how many it may have; -1 for any number', ({ template_limit }) => template_limit ?? -1),
};

export const listResourceLimits = defineCommand({
  name: 'listResourceLimits',
  description: 'Lists how many templates and ISOs accounts may have. Users see their own limit.',
  roles: EVERYBODY,
  parameters: {
    ...ownerParameters,
    resourcetype: choice('4, which is templates: there is no other limit', [TEMPLATE_RESOURCE]),
    resourcetypename: choice('template: there is no other limit', ['template']),
    ...pagingParameters,
  },
  objects: 'resourcelimit',
  response: LIMIT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const accountId = (await ownerNamed(context, values)) ?? caller.accountId;
    return answerList('resourcelimit', LIMIT, await listTemplateLimits(db, { accountId }, page), caller);
  },
});
