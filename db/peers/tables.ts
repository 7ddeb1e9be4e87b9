/** Row types of the keys by which hosts know each other. */
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
