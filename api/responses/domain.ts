/** There is one domain; everything is in it. */
import { stableUuid } from '../stable-uuid.ts';

export const ROOT_DOMAIN = { id: stableUuid('domain', 'ROOT'), name: 'ROOT', path: 'ROOT' } as const;
