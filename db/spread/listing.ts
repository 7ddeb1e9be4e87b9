/** From whom a listed copy comes, and who takes it from there: for queries in which `copy` is `template_spool_ref`. */
import { sql } from 'kysely';

/** The copy that it is fetched from, and a host; null: the origin, or a parent that is gone. */
export interface SpreadColumns {
  readonly parent_uuid: string | null;
  readonly parent_host_uuid: string | null;
  readonly parent_host_name: string | null;
  /** Names of hosts that take it from this copy now. */
  readonly copying_hosts: readonly string[];
}

export const spreadColumns = [
  sql<
    string | null
  >`(select parent.uuid from template_spool_ref parent where parent.id = copy.parent_copy_id)`.as(
    'parent_uuid',
  ),
  sql<string | null>`(select host.uuid from host where host.id = copy.parent_host_id)`.as('parent_host_uuid'),
  sql<string | null>`(select host.name from host where host.id = copy.parent_host_id)`.as('parent_host_name'),
  sql<readonly string[]>`array(select host.name from template_spool_ref child
    join host on host.id = child.fetch_host_id
    where child.parent_copy_id = copy.id and child.fetching = 'peer' order by host.name)`.as('copying_hosts'),
];
