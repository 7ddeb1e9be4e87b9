/** Hosts that take part in the spread of images. */
import { sql } from 'kysely';
import { hasFeature, isUpAs } from '../hosts/hosts.ts';
import { hasDoor } from '../peers/hosts.ts';

const heedsPeers = hasFeature('peers');

/** Whether a row of `host` can serve others, and fetch from them: it can be entered, and heeds what its jobs say of peers. */
export const takesPart = sql<boolean>`(${hasDoor} and ${heedsPeers})`;

/** Seconds after its start in which a host gets its certificate, and others are told of it. Its own clock says when it started. */
const ARRIVAL_SECONDS = 60;
const soon = sql`make_interval(secs => ${sql.lit(ARRIVAL_SECONDS)})`;

/** Hosts that were told the same are told of each other. */
const isKnownToAll = sql<boolean>`not exists (
  select from host other where other.data_center_id = host.data_center_id and other.id <> host.id
    and other.resource_state <> 'Disabled' and other.peer is not null
    and ${isUpAs('other')}
    and other.peer ->> 'trusted' is distinct from host.peer ->> 'trusted')`;

/**
 * Whether a row of `host` can fetch from others in a moment, and not yet: it has just been started, and is given a certificate,
 * or the doors of others are told of it.
 */
export const isArriving = sql<boolean>`(host.peer is not null and ${heedsPeers}
  and coalesce(host.joined_at between now() - ${soon} and now() + ${soon}, false)
  and not (${hasDoor} and ${isKnownToAll}))`;
