/** Templates and ISOs are the same to most commands; what differs stands here. */
import type { ImageAnswer } from './answers.ts';
import type { ApiClient, Parameters } from './client.ts';
import { ApiError } from './errors.ts';

export interface ImageNoun {
  readonly noun: 'template' | 'iso';
  readonly title: string;
  /** The API's commands, the key of its answers, and the parameter that says whose. */
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

/** What the api says to a user who asks for `all`: CloudStack has both codes for it. */
const NOT_ADMIN = [431, 531];

/** How CloudStack says, with code 431, that an id is nobody's: a list of it is empty. */
const NO_SUCH_THING = 'entity does not exist';

/** Everything that the caller may see: an administrator all there is, a user what they may use. */
export async function listImages(
  api: ApiClient,
  { list, key, filter }: ImageNoun,
  parameters: Parameters = {},
): Promise<readonly ImageAnswer[]> {
  const ask = (whose: string): Promise<readonly ImageAnswer[]> =>
    api.list(list, key, { [filter]: whose, ...parameters });
  try {
    return await ask('all');
  } catch (error) {
    if (!(error instanceof ApiError) || !NOT_ADMIN.includes(error.code)) throw error;
    if (parameters['id'] !== undefined && error.message.includes(NO_SUCH_THING)) return [];
    return ask('executable');
  }
}
