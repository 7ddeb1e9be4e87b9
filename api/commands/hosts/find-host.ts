/** Finds one host, with the fields that lists of hosts show. */
import type { Queryable } from '../../../db/database.ts';
import { type HostListRow, listHosts } from '../../../db/hosts/listing.ts';

export async function findHost(db: Queryable, uuid: string): Promise<HostListRow | undefined> {
  const { rows } = await listHosts(db, { id: uuid }, { limit: 1, offset: 0 });
  return rows[0];
}
