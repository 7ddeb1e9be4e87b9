/** Details of machines: which keys there may be, and who may set them. */
import type { Role } from '../../../db/accounts/accounts.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import type { MapEntry } from '../../fields/parameters.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import type { Details } from './compute.ts';

/** CloudStack's defaults of `user.vm.denied.details`: users neither see nor set them. */
const DENIED: ReadonlySet<string> = new Set([
  'rootdisksize',
  'cpuOvercommitRatio',
  'memoryOvercommitRatio',
  'Message.ReservedCapacityFreed.Flag',
]);
/** CloudStack's defaults of `user.vm.readonly.details`. */
const READ_ONLY: ReadonlySet<string> = new Set(['dataDiskController', 'rootDiskController']);

const MAX_KEY = 255;
const MAX_BYTES = 16_384;

/** Entries of all indices together. @throws ApiError 431 for keys that no machine may have, and for too much */
export function readDetails(entries: readonly MapEntry[] | undefined): Details {
  const details = Object.fromEntries((entries ?? []).map(({ key, value }) => [key, value]));
  for (const key of Object.keys(details)) {
    if (key.toLowerCase().startsWith('extraconfig')) {
      throw new ApiError(apiCodes.parameter, "'extraconfig' should not be included in details as key", {
        parameter: 'details',
      });
    }
    if (key.length > MAX_KEY) throw badParameter('details', `has a key of more than ${MAX_KEY} characters.`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(details));
  if (bytes > MAX_BYTES) {
    throw badParameter('details', `have ${bytes} bytes together; at most ${MAX_BYTES} are taken.`);
  }
  return details;
}

/**
 * The details after an update, which replaces the set. What users may not set stays.
 * @throws ApiError 431 in CloudStack's words
 */
export function replaceDetails(role: Role, before: Details, given: Details): Details {
  if (role === 'admin') return given;
  for (const [key, value] of Object.entries(given)) {
    // Clients give back what they were answered.
    if (before[key] === value) continue;
    if (DENIED.has(key)) throw notAllowed(`restricted setting: ${key}`);
    if (READ_ONLY.has(key)) throw notAllowed(`read-only setting: ${key}`);
  }
  const kept = Object.entries(before).filter(([key]) => DENIED.has(key) || READ_ONLY.has(key));
  return { ...given, ...Object.fromEntries(kept) };
}

const notAllowed = (what: string): ApiError =>
  new ApiError(apiCodes.parameter, `You're not allowed to add or edit the ${what}`, { parameter: 'details' });
