/** Parameters of commands for everybody that only administrators may give. */
import { apiCodes } from '../../model/api-codes.ts';
import type { CommandContext } from './command.ts';
import { ApiError } from './errors.ts';

/** @throws ApiError 531 in CloudStack's words */
export function requireAdminFor(
  { caller }: CommandContext,
  parameters: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || caller.role === 'admin') continue;
    throw new ApiError(
      apiCodes.permission,
      `Parameter ${name} can only be specified by a Root Admin, permission denied`,
      { parameter: name },
    );
  }
}
