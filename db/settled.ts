/** What the keystore of a host is to hold, beside what it holds; in SQL about a row of `host`. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** Of an aliased `c`, with the row `m` of the host map where there is one. */
export const wanted = sql<boolean>`(c.zone_id = host.data_center_id and coalesce(m.wanted, not c.revoked))`;
export const held = sql<boolean>`host.keystore @> jsonb_build_array(jsonb_build_object('alias', c.alias, 'digest', c.digest))`;
export const ofHost = sql`direct_download_certificate c
  left join direct_download_certificate_host_map m on m.certificate_id = c.id and m.host_id = host.id`;

/**
 * Whether a row of `host` holds all that it is to hold, and nothing else, as far as it has said: only then does it
 * probe and download.
 */
export const isSettled: RawBuilder<boolean> = sql<boolean>`(
  select coalesce(bool_and(${held}), true) and count(*) = jsonb_array_length(host.keystore)
  from ${ofHost} where ${wanted})`;
