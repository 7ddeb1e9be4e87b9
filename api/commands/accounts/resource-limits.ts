/** How much accounts may have of each resource, and the refusals of those that would have more. */
import {
  limitsOf,
  type LimitedResource,
  type Limits,
  templateAllowance,
} from '../../../db/accounts/resource-limits.ts';
import type { Queryable } from '../../../db/database.ts';
import { findTemplate } from '../../../db/templates/listing.ts';
import { NOTHING, type Usage, usageOf } from '../../../db/vms/usage.ts';
import { GIB } from '../../../model/vms.ts';
import type { CommandContext } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { ROOT_DOMAIN } from '../../fields/answers/domain.ts';

/** CloudStack's numbers of the types of resources that can be limited. */
export const RESOURCE_NUMBERS = {
  '0': 'user_vm',
  '2': 'volume',
  '4': 'template',
  '8': 'cpu',
  '9': 'memory',
  '10': 'primary_storage',
} as const satisfies Readonly<Record<string, LimitedResource>>;
export type ResourceNumber = keyof typeof RESOURCE_NUMBERS;
export const RESOURCE_TYPES = Object.keys(RESOURCE_NUMBERS) as readonly ResourceNumber[];
export const RESOURCE_NAMES: readonly LimitedResource[] = Object.values(RESOURCE_NUMBERS);

interface LimitedAccount {
  readonly id: number;
  readonly name: string;
}

/** @throws ApiError 532 when the account has reached its limit, unless it owns this template already */
export async function requireAllowance(
  { db }: CommandContext,
  account: LimitedAccount,
  templateId: string,
): Promise<void> {
  const { count, limit } = await templateAllowance(db, account.id);
  if (limit === null || count < limit || (await findTemplate(db, templateId)) !== undefined) return;
  throw new ApiError(
    apiCodes.resourceLimit,
    `Account ${account.name} has ${count} templates and ISOs, and may have ${limit}: delete one, or ask an ` +
      'administrator for a higher limit.',
  );
}

/**
 * @param more what the account is to have besides what it has
 * @throws ApiError 535 in CloudStack's words, which clients look for, when the account would have more than it may
 */
export async function requireUsage(
  db: Queryable,
  account: LimitedAccount,
  more: Partial<Usage>,
): Promise<void> {
  const limits = await limitsOf(db, account.id);
  if (limits === undefined) return;
  const has = await usageOf(db, account.id);
  for (const resource of CHECKED)
    requireResource(account, resource, { limits, has, more: { ...NOTHING, ...more } });
}

/** In the order in which CloudStack checks them. */
const CHECKED = ['user_vm', 'cpu', 'memory', 'volume', 'primary_storage'] as const;

const AMOUNT: Readonly<Record<(typeof CHECKED)[number], (usage: Usage) => number>> = {
  user_vm: ({ vms }) => vms,
  cpu: ({ cpu }) => cpu,
  memory: ({ memory }) => memory,
  volume: ({ volumes }) => volumes,
  primary_storage: ({ storage }) => storage,
};

function requireResource(
  { name }: LimitedAccount,
  resource: (typeof CHECKED)[number],
  { limits, has, more }: { readonly limits: Limits; readonly has: Usage; readonly more: Usage },
): void {
  const most = limits[resource];
  const wanted = AMOUNT[resource](more);
  if (most === null || wanted === 0) return;
  const limit = resource === 'primary_storage' ? most * GIB : most;
  const taken = AMOUNT[resource](has);
  if (taken + wanted <= limit) return;
  throw new ApiError(
    apiCodes.allocation,
    `Maximum number of resources of type '${resource}' for account name=${name} in domain id=${ROOT_DOMAIN.id} has been ` +
      `exceeded: it has ${taken} of ${limit}, and this needs ${wanted} more.`,
  );
}
