/** Hosts that serve copies to each other, and what each of them knows. Peers are the hosts of one zone. */
import { sql } from 'kysely';
import type { PeerReport, TrustedPeers } from '../../model/spread.ts';
import { trustedDigest } from '../../trust/tickets.ts';
import type { Queryable } from '../database.ts';
import { hasFeature, isUp } from '../hosts/hosts.ts';
import type { PeerKeys } from './keys.ts';

/** Whether a row of `host` has a door that others can enter now: it holds a certificate. */
export const hasDoor = sql<boolean>`coalesce((host.peer ->> 'certificateEnds')::timestamptz > now(), false)`;

export interface PeerHost {
  readonly hostId: string;
  readonly name: string;
  readonly up: boolean;
  readonly peer: PeerReport;
  /** It can be told of a change alone. */
  readonly heedsChanges: boolean;
}

/** The hosts with a door of a zone that were let in. */
export const peersOfZone = (db: Queryable, zoneId: string): Promise<readonly PeerHost[]> =>
  db
    .selectFrom('host')
    .innerJoin('data_center', 'data_center.id', 'host.data_center_id')
    .where('data_center.uuid', '=', zoneId)
    .where('host.resource_state', '<>', 'Disabled')
    .where('host.peer', 'is not', null)
    .select([
      'host.uuid as hostId',
      'host.name',
      isUp.as('up'),
      'host.peer',
      hasFeature('peerChanges').as('heedsChanges'),
    ])
    .orderBy('host.id')
    .$narrowType<{ peer: PeerReport }>()
    .execute();

/** The zone of a host with a door; undefined when there is no such host. */
export async function zoneOfPeer(db: Queryable, hostId: string): Promise<string | undefined> {
  const zone = await db
    .selectFrom('data_center')
    .innerJoin('host', 'host.data_center_id', 'data_center.id')
    .where('host.uuid', '=', hostId)
    .where('host.peer', 'is not', null)
    .select('data_center.uuid')
    .executeTakeFirst();
  return zone?.uuid;
}

/** Whom each of these hosts is to trust. */
export const trustedOf = (hosts: readonly PeerHost[], { authorities, tickets }: PeerKeys): TrustedPeers => ({
  authorities,
  ticketKey: tickets.publicKey,
  hostIds: hosts.map(({ hostId }) => hostId),
});

/** A certificate is renewed when it ends sooner than this: half of its time. */
const RENEW_MS = 3.5 * 86_400_000;

/** The hosts that are Up and do not know what they are to know. */
export function outdatedPeers(
  hosts: readonly PeerHost[],
  trusted: TrustedPeers,
  now: Date,
): readonly PeerHost[] {
  const digest = trustedDigest(trusted);
  return hosts.filter(({ up, peer }) => up && (peer.trusted !== digest || !hasLastingCertificate(peer, now)));
}

/** Whether a host needs no new certificate. */
export const hasLastingCertificate = ({ certificateEnds }: PeerReport, now: Date): boolean =>
  certificateEnds !== undefined && Date.parse(certificateEnds) - now.getTime() >= RENEW_MS;

/** Records what a host was told last. @param trusted `trustedDigest`; undefined where it must be told everything */
export const recordTrusted = (db: Queryable, hostId: string, trusted: string | undefined): Promise<unknown> =>
  db
    .updateTable('host')
    .set({
      peer:
        trusted === undefined
          ? sql<string>`peer - 'trusted'`
          : sql<string>`jsonb_set(peer, '{trusted}', to_jsonb(${trusted}::text))`,
    })
    .where('uuid', '=', hostId)
    .where('peer', 'is not', null)
    .execute();
