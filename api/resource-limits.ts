/** How many templates and ISOs an account may have. */
import { findTemplate } from '../db/listings/templates.ts';
import { templateAllowance } from '../db/resource-limits.ts';
import type { CommandContext } from './command.ts';
import { ApiError, errorCode } from './errors.ts';

/** What CloudStack's type of resource for templates is: `4`. */
export const TEMPLATE_RESOURCE = '4';

/** @throws ApiError 532 when the account has as many as it may, and this is not one of them */
export async function requireAllowance(
  { db }: CommandContext,
  account: { readonly id: number; readonly name: string },
  templateId: string,
): Promise<void> {
  const { count, limit } = await templateAllowance(db, account.id);
  if (limit === null || count < limit || (await findTemplate(db, templateId)) !== undefined) return;
  throw new ApiError(
    errorCode.resourceLimit,
    `Account ${account.name} has ${count} templates and ISOs, and may have ${limit}: delete one, or ask an ` +
      'administrator for a higher limit.',
  );
}
