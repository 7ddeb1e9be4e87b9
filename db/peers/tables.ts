/** Row types of what hosts know each other by, and of the lists of hosts that they were told of. */
import type { Generated } from 'kysely';
import type { Id, NullableTime, Time } from '../columns.ts';

export interface PeerKeyTable {
  id: Id;
  uuid: Generated<string>;
  purpose: 'authority' | 'tickets';
  /** PEM of an authority's certificate; JSON of the JWK of tickets. */
  public_part: string;
  key_sealed: string;
  created: Time;
  /** Null: it does not end. */
  expires: NullableTime;
}

export interface PeerListTable {
  digest: string;
  zone_id: number;
  host_ids: string[];
  told: Time;
}
