/** The certificates that the keystore of a host should hold, and those that it holds: SQL about a row of `host`. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** `c` is a certificate, `m` its row of the host map where there is one; see `certificatesOfHost`. */
export const wanted = sql<boolean>`(c.zone_id = host.data_center_id and coalesce(m.wanted, not c.revoked))`;
export const held = sql<boolean>`host.keystore @> jsonb_build_array(jsonb_build_object('alias', c.alias, 'digest', c.digest))`;
/** All certificates with the row of the host map for this host. */
export const certificatesOfHost = sql`direct_download_certificate c
  left join direct_download_certificate_host_map m on m.certificate_id = c.id and m.host_id = host.id`;

/**
 * Whether the keystore of a host holds what it should and nothing else, as the host read it back last. Only then does the
 * host get probes and downloads.
 */
export const keystoreInSync: RawBuilder<boolean> = sql<boolean>`(
  select coalesce(bool_and(${held}), true) and count(*) = jsonb_array_length(host.keystore)
  from ${certificatesOfHost} where ${wanted})`;
