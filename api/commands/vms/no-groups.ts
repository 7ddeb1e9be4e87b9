/** Parameters for what CloudStack has and Bypass has not: an empty list is taken, and a name in it is refused as unknown. */
import type { CommandContext } from '../../server/command.ts';
import { noSuchEntity } from '../../server/errors.ts';
import { list } from '../../fields/parameters.ts';

export const noAffinityGroups = {
  affinitygroupids: list('affinity groups, of which there are none: empty'),
  affinitygroupnames: list('affinity groups, of which there are none: empty'),
};

export const noSecurityGroups = {
  securitygroupids: list('security groups, of which there are none: empty'),
  securitygroupnames: list('security groups, of which there are none: empty'),
};

/** @throws ApiError 431 for the first name in any of the lists */
export function requireNone(
  { command }: CommandContext,
  lists: Readonly<Record<string, readonly string[] | undefined>>,
): void {
  for (const [parameter, names] of Object.entries(lists))
    if (names?.[0] !== undefined) throw noSuchEntity(command, parameter, names[0]);
}
