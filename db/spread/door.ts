/** Hosts that take part in the spread of images. */
import { sql } from 'kysely';
import { hasDoor } from '../peers/hosts.ts';

const heedsPeers = sql<boolean>`coalesce(host.capabilities -> 'features' ? 'peers', false)`;

/** Whether a row of `host` can serve others, and fetch from them: it can be entered, and heeds what its jobs say of peers. */
export const takesPart = sql<boolean>`(${hasDoor} and ${heedsPeers})`;

/** Seconds after its start in which a host gets its certificate. Its own clock says when it started. */
const CERTIFICATE_SECONDS = 60;
const soon = sql`make_interval(secs => ${sql.lit(CERTIFICATE_SECONDS)})`;

/** Whether a row of `host` will take part in a moment: it has just been started, and is given a certificate now. */
export const awaitsCertificate = sql<boolean>`(not ${hasDoor} and host.peer is not null and ${heedsPeers}
  and coalesce(host.joined_at between now() - ${soon} and now() + ${soon}, false))`;
