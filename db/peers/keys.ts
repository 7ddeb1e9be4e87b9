/**
 * The keys by which hosts know each other: authorities that certify hosts, and the key that signs tickets. They are made when
 * they are needed first. A new authority follows when half of the time of the newest one is over; both hold then, and the new
 * one issues once all hosts know it.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import * as z from 'zod/mini';
import { readJson } from '../../model/messages/schema.ts';
import { openAtRest, sealAtRest } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { createAuthority, endOfPem } from '../../trust/peer-certificates.ts';
import type { Authority } from '../../trust/peer-certificates.ts';
import { createTicketKey } from '../../trust/tickets.ts';
import type { TicketKey } from '../../trust/tickets.ts';
import { inTransaction } from '../database.ts';
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';

export interface PeerKeys {
  /** PEM of each authority that is valid now. */
  readonly authorities: readonly string[];
  /** The one that issues. */
  readonly issuer: Authority;
  readonly tickets: TicketKey;
}

const DAY_MS = 86_400_000;
/** An authority is made when the newest one ends sooner than this. */
const RENEW_MS = 180 * DAY_MS;
/** All hosts that are Up know an authority by then. */
const KNOWN_AFTER_MS = DAY_MS;

/**
 * Makes what is missing.
 * @throws ImageError SealBroken when the master key does not open them
 */
export async function peerKeys(db: Queryable, masterKey: MasterKey, now = new Date()): Promise<PeerKeys> {
  const found = await validKeys(db, now);
  const [authorities, tickets] = [found.filter(isAuthority), found.find((key) => !isAuthority(key))];
  if (tickets === undefined || needsAuthority(authorities, now)) {
    await inTransaction(db, (tx) => makeMissing(tx, masterKey, now));
    return peerKeys(db, masterKey, now);
  }
  const [oldest] = authorities;
  const issuer =
    authorities.findLast(({ created }) => now.getTime() - created.getTime() >= KNOWN_AFTER_MS) ?? oldest;
  if (issuer === undefined) throw new Error('there is no authority');
  return {
    authorities: authorities.map(({ public_part }) => public_part),
    issuer: { certificate: issuer.public_part, key: await open(masterKey, issuer) },
    tickets: { publicKey: ticketKeyOf(tickets), privateKey: await open(masterKey, tickets) },
  };
}

type PeerKey = Row<'peer_key'>;

const isAuthority = ({ purpose }: PeerKey): boolean => purpose === 'authority';

/** The oldest first. */
const validKeys = (db: Queryable, now: Date): Promise<readonly PeerKey[]> =>
  db
    .selectFrom('peer_key')
    .selectAll()
    .where((eb) => eb.or([eb('expires', 'is', null), eb('expires', '>', now)]))
    .orderBy('created')
    .orderBy('id')
    .execute();

const needsAuthority = (authorities: readonly PeerKey[], now: Date): boolean =>
  authorities.every(({ expires }) => (expires?.getTime() ?? 0) - now.getTime() < RENEW_MS);

async function makeMissing(tx: Queryable, masterKey: MasterKey, now: Date): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('keys of peers', 0))`.execute(tx);
  const found = await validKeys(tx, now);
  await tx.deleteFrom('peer_key').where('expires', '<', now).execute();
  if (!found.some(({ purpose }) => purpose === 'tickets')) {
    const { publicKey, privateKey } = createTicketKey();
    await insert(
      tx,
      masterKey,
      { purpose: 'tickets', public_part: JSON.stringify(publicKey), created: now },
      privateKey,
    );
  }
  if (needsAuthority(found.filter(isAuthority), now)) {
    const { certificate, key } = await createAuthority(now);
    const expires = endOfPem(certificate);
    await insert(
      tx,
      masterKey,
      { purpose: 'authority', public_part: certificate, created: now, expires },
      key,
    );
  }
}

/** The box names its row, whose id is therefore made before. */
async function insert(
  tx: Queryable,
  masterKey: MasterKey,
  row: Pick<PeerKey, 'purpose' | 'public_part' | 'created'> & { readonly expires?: Date },
  key: string,
): Promise<void> {
  const uuid = randomUUID();
  const key_sealed = await sealAtRest(masterKey, { use: 'peer key', key: uuid }, key);
  await tx
    .insertInto('peer_key')
    .values({ ...row, uuid, key_sealed })
    .execute();
}

const open = (masterKey: MasterKey, { uuid, key_sealed }: PeerKey): Promise<string> =>
  openAtRest(masterKey, { use: 'peer key', key: uuid }, key_sealed);

const jwk = z.record(z.string(), z.string());
const ticketKeyOf = ({ public_part }: PeerKey): TicketKey['publicKey'] =>
  readJson(jwk, public_part).value ?? {};
