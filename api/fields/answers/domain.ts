/** The one domain, to which all accounts belong. */
import { type Shape, string } from '../response.ts';
import { stableUuid } from '../stable-uuid.ts';

export const ROOT_DOMAIN = { id: stableUuid('domain', 'ROOT'), name: 'ROOT', path: 'ROOT' } as const;

/** The domain fields of everything that belongs to an account. */
export const IN_DOMAIN = {
  domainid: string('the id of the domain of the account', () => ROOT_DOMAIN.id),
  domain: string('the name of the domain of the account', () => ROOT_DOMAIN.name),
  domainpath: string('the path of the domain of the account', () => ROOT_DOMAIN.path),
} satisfies Shape<unknown>;
