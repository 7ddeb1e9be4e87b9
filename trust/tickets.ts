/** Tickets: signed JWTs (RFC 7519) by which the control side lets one host fetch one copy from another one for some minutes. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { JWK } from 'jose';
import type { TicketClaims, TrustedPeers } from '../model/spread.ts';

export type TicketPublicKey = TrustedPeers['ticketKey'];

export interface TicketKey {
  /** As a JWK. */
  readonly publicKey: TicketPublicKey;
  /** JSON of a JWK. */
  readonly privateKey: string;
}

type Fetch = Pick<TicketClaims, 'aud' | 'sub' | 'copy'>;

const ALGORITHM = 'EdDSA';
const TYPE = 'bypass-ticket+jwt';
const GOOD_FOR_MS = 10 * 60_000;
/** The clocks of control side and hosts may be apart by so much. */
const SKEW_SECONDS = 60;
/** A ticket of this form has 500 characters. */
const MAX_LENGTH = 2048;

export function createTicketKey(): TicketKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ format: 'jwk' }) as TicketPublicKey,
    privateKey: JSON.stringify(privateKey.export({ format: 'jwk' })),
  };
}

/** @param copy the copy of the host that serves */
export function signTicket(
  { privateKey }: Pick<TicketKey, 'privateKey'>,
  { aud, sub, copy }: Fetch,
  now = new Date(),
): Promise<string> {
  return new SignJWT({ copy })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setAudience(aud)
    .setSubject(sub)
    .setExpirationTime(new Date(now.getTime() + GOOD_FOR_MS))
    .sign(JSON.parse(privateKey) as JWK);
}

/** Why a ticket does not let its bearer in. */
export type TicketProblem = 'expired' | 'forged' | 'for another host' | 'for another copy';

/** @returns undefined when the ticket is good for this fetch */
export async function ticketProblem(
  key: TicketPublicKey,
  ticket: string,
  { aud, sub, copy }: Fetch,
  now = new Date(),
): Promise<TicketProblem | undefined> {
  if (ticket.length > MAX_LENGTH) return 'forged';
  try {
    const { payload } = await jwtVerify(ticket, key as JWK, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      currentDate: now,
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['aud', 'sub', 'exp', 'copy'],
    });
    if (payload.aud !== aud || payload.sub !== sub) return 'for another host';
    return payload['copy'] === copy ? undefined : 'for another copy';
  } catch (error) {
    return error instanceof errors.JWTExpired ? 'expired' : 'forged';
  }
}

/** Identifies whom a host trusts: it reports it, so that the control side sees who was told what. */
export const trustedDigest = ({ authorities, ticketKey, hostIds }: TrustedPeers): string =>
  createHash('sha256')
    .update(JSON.stringify([authorities.toSorted(), ticketKey['x'], hostIds.toSorted()]))
    .digest('base64url');
