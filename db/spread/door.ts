/** Hosts that take part in the spread of images. */
import { sql } from 'kysely';
import { hasDoor } from '../peers/hosts.ts';

/** Whether a row of `host` can serve others, and fetch from them: it can be entered, and heeds what its jobs say of peers. */
export const takesPart = sql<boolean>`(${hasDoor} and coalesce(host.capabilities -> 'features' ? 'peers', false))`;
