/** Hosts: who they are, whether they live, and which of them can do something. */
import { sql } from 'kysely';

/** Seconds without a sign of life after which a host counts as Down. */
export const UP_SECONDS = 35;

/** Whether a row of `host` is Up: the one definition. Worker heartbeats come every 10 s. */
export const isUp = sql<boolean>`coalesce(host.last_seen > now() - make_interval(secs => ${sql.lit(UP_SECONDS)}), false)`;
