/** The differences between templates and ISOs; most commands treat both alike. */
import { apiCodes } from '../model/api-codes.ts';
import type { Template } from '../model/api-answers.ts';
import type { ApiClient, Parameters } from './client.ts';
import { ApiError } from './errors.ts';

export interface ImageNoun {
  readonly noun: 'template' | 'iso';
  readonly title: string;
  /** The API's commands, the key of their answers, and the parameter that filters by owner. */
  readonly register: string;
  readonly list: string;
  readonly remove: string;
  readonly key: string;
  readonly filter: string;
}

export const TEMPLATE: ImageNoun = {
  noun: 'template',
  title: 'template',
  register: 'registerTemplate',
  list: 'listTemplates',
  remove: 'deleteTemplate',
  key: 'template',
  filter: 'templatefilter',
};

export const ISO: ImageNoun = {
  noun: 'iso',
  title: 'ISO',
  register: 'registerIso',
  list: 'listIsos',
  remove: 'deleteIso',
  key: 'iso',
  filter: 'isofilter',
};

export const imageNouns: readonly ImageNoun[] = [TEMPLATE, ISO];

/** The codes with which an api refuses the filter `all` to a user; CloudStack has both. */
const NOT_ADMIN: readonly number[] = [apiCodes.parameter, apiCodes.permission];

/** All images that the caller may see: every image for an administrator, the usable ones for a user. */
export async function listImages(
  api: ApiClient,
  { list, key, filter }: ImageNoun,
  parameters: Parameters = {},
): Promise<readonly Template[]> {
  const ask = (whose: string): Promise<readonly Template[]> =>
    api.list(list, key, { [filter]: whose, ...parameters });
  try {
    return await ask('all');
  } catch (error) {
    if (!(error instanceof ApiError) || !NOT_ADMIN.includes(error.code)) throw error;
    // A list by an unknown id is empty.
    if (parameters['id'] !== undefined && error.kind === 'NoSuchEntity') return [];
    return ask('executable');
  }
}
