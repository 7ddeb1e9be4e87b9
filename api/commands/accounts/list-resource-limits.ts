import { limitsOf, type LimitedResource } from '../../../db/accounts/resource-limits.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { accountNamed, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice } from '../../fields/parameters.ts';
import { RESOURCE_NAMES, RESOURCE_NUMBERS, RESOURCE_TYPES, type ResourceNumber } from './resource-limits.ts';
import { answerList, long, type Shape, string } from '../../fields/response.ts';
import { IN_DOMAIN } from '../../fields/answers/domain.ts';

interface LimitView {
  readonly account: string;
  readonly number: ResourceNumber;
  /** Null for no limit. */
  readonly most: number | null;
}

export const LIMIT: Shape<LimitView> = {
  account: string('the name of the account', ({ account }) => account),
  ...IN_DOMAIN,
  resourcetype: string('the type of the resource, as a number', ({ number }) => number),
  resourcetypename: string('its name', ({ number }) => RESOURCE_NUMBERS[number]),
  max: long(
    'how many it may have: megabytes of memory, gigabytes of primary_storage; -1 for any number',
    ({ most }) => most ?? -1,
  ),
};

export const listResourceLimits = defineCommand({
  name: 'listResourceLimits',
  description:
    'Lists how much an account may have: templates and ISOs, virtual machines, and what those take. Users see their own limits.',
  roles: EVERYBODY,
  parameters: {
    ...ownerParameters,
    resourcetype: choice('the limit of this type: 0, 2, 4, 8, 9 or 10', RESOURCE_TYPES),
    resourcetypename: choice(`the limit of this type: ${RESOURCE_NAMES.join(', ')}`, RESOURCE_NAMES),
    ...pagingParameters,
  },
  objects: 'resourcelimit',
  response: LIMIT,
  async run(context, values) {
    const { db, caller } = context;
    const { limit, offset } = readPage(values);
    const { id, name } = (await accountNamed(context, values)) ?? {
      id: caller.accountId,
      name: caller.accountName,
    };
    const limits = await limitsOf(db, id);
    const views = RESOURCE_TYPES.filter((number) => isAsked(values, number, RESOURCE_NUMBERS[number])).map(
      (number) => ({ account: name, number, most: limits?.[RESOURCE_NUMBERS[number]] ?? null }),
    );
    const page = { count: views.length, rows: views.slice(offset, offset + limit) };
    return answerList('resourcelimit', LIMIT, page, caller);
  },
});

const isAsked = (
  {
    resourcetype,
    resourcetypename,
  }: {
    readonly resourcetype: ResourceNumber | undefined;
    readonly resourcetypename: LimitedResource | undefined;
  },
  number: ResourceNumber,
  name: LimitedResource,
): boolean =>
  (resourcetype === undefined || resourcetype === number) &&
  (resourcetypename === undefined || resourcetypename === name);
