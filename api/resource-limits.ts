/** How many templates and ISOs an account may have. */
import { findTemplate } from '../db/listings/templates.ts';
import { templateAllowance } from '../db/resource-limits.ts';
import type { CommandContext } from './command.ts';
import { ApiError, errorCode } from './errors.ts';

/** What CloudStack's type of resource for templates is: `4`. */
export const TEMPLATE_RESOURCE = '4';

/** @throws ApiError 532 when the account of the caller has as many as it may, and this is not one of them */
export async function requireAllowance({ db, caller }: CommandContext, templateId: string): Promise<void> {
  const { count, limit } = await templateAllowance(db, caller.accountId);
  if (limit === null || count < limit || (await findTemplate(db, templateId)) !== undefined) return;
  throw new ApiError(
    errorCode.resourceLimit,
    `Account ${caller.accountName} has ${count} templates and ISOs, and may have ${limit}: delete one, or ask an ` +
      'administrator for a higher limit.',
  );
}
