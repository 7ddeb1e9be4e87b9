/** Parameters and checks that the commands for service offerings and disk offerings share. */
import { OFFERING_STATES } from '../../../db/offerings/tables.ts';
import { CACHE_MODES, PROVISIONING_TYPES, STORAGE_TYPES } from '../../../model/vms.ts';
import type { CommandContext } from '../../server/command.ts';
import { checkDomain } from '../../fields/owners.ts';
import { choice, integer, list, refused } from '../../fields/parameters.ts';

export const offeringState = choice('Active, or Inactive: only administrators see it', OFFERING_STATES);
export const sortKey = integer('lists have the smaller ones first');

/** The filter of lists by state. CloudStack lists the active ones unless others are asked for. */
export const listedState = choice('Active, which is also taken when it is absent, Inactive or all', [
  ...OFFERING_STATES,
  'all',
]);

/** The state that the caller may list. */
export const stateAsked = (
  { caller }: CommandContext,
  state: (typeof OFFERING_STATES)[number] | 'all' | undefined,
): (typeof OFFERING_STATES)[number] | undefined => {
  if (caller.role !== 'admin') return 'Active';
  return state === 'all' ? undefined : (state ?? 'Active');
};

const noLimit = refused('Bypass does not limit the speed of disks');

/** What disks are like. */
export const diskParameters = {
  storagetype: choice(
    'shared, local or any: of which pools its disks are; shared when absent',
    STORAGE_TYPES,
  ),
  provisioningtype: choice(
    'thin: disks stand on the image, which is also taken when it is absent; sparse or fat: they copy it',
    PROVISIONING_TYPES,
  ),
  cachemode: choice('none, writeback or writethrough; none when absent', CACHE_MODES),
  tags: list('the tags that its storage pools must have'),
  domainid: list('the domains that it is for; there is one, ROOT'),
  customizediops: refused('Bypass does not limit the speed of disks', 'false'),
  hypervisorsnapshotreserve: refused('there are no snapshots here'),
  bytesreadrate: noLimit,
  bytesreadratemax: noLimit,
  byteswriterate: noLimit,
  byteswriteratemax: noLimit,
  iopsreadrate: noLimit,
  iopsreadratemax: noLimit,
  iopswriterate: noLimit,
  iopswriteratemax: noLimit,
  miniops: noLimit,
  maxiops: noLimit,
};

/** @throws ApiError 431 for a domain that is not ROOT */
export async function checkDomains(
  context: CommandContext,
  domains: readonly string[] | undefined,
): Promise<void> {
  for (const domain of domains ?? []) await checkDomain(context, domain);
}
