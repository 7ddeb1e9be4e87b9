/**
 * Invites: one-time tokens that admit hosts. Only the operator and the host hold the token. The host sends a proof that it
 * has the token, and the database stores a hash.
 */
import { createHash, createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

export interface Invite {
  /** UUID. */
  readonly id: string;
  /** Shown to the operator once. */
  readonly token: string;
  /** SHA-256 of the secret, hex; stored in the database. */
  readonly secretHash: string;
}

export interface InviteProof {
  readonly id: string;
  /** HMAC-SHA-256, base64url. */
  readonly proof: string;
}

export class InviteSyntaxError extends Error {}

const SECRET_BYTES = 32;
const TOKEN = /^(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?<secret>[A-Za-z0-9_-]{43})$/;

export function createInvite(): Invite {
  const id = randomUUID();
  const secret = randomBytes(SECRET_BYTES);
  return { id, token: `${id}.${secret.toString('base64url')}`, secretHash: sha256(secret).toString('hex') };
}

/**
 * Proves possession of the token, for this text only.
 * @throws InviteSyntaxError when the text is no token
 */
export function proofOf(token: string, text: string): InviteProof {
  const { id, secret } = TOKEN.exec(token.trim())?.groups ?? {};
  if (id === undefined || secret === undefined) {
    throw new InviteSyntaxError('the invite is not a token as `bypass host invite` prints it');
  }
  return { id, proof: mac(sha256(Buffer.from(secret, 'base64url')), text).toString('base64url') };
}

/** Whether the proof was made for this text, with the token that has this hash. */
export function checkProof(secretHash: string, text: string, proof: string): boolean {
  const wanted = mac(Buffer.from(secretHash, 'hex'), text);
  const given = Buffer.from(proof, 'base64url');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const mac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
