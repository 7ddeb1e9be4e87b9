/** Public keys of hosts in the form in which messages carry them: raw bytes, base64url. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

type Curve = 'Ed25519' | 'X25519';

/** Base64url of 32 bytes. */
const RAW = /^[A-Za-z0-9_-]{43}$/;

/** Whether the text has the form of a raw key. */
export const isRawKey = (text: string): boolean => RAW.test(text);

export function rawPublicKey(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('the key is not one of Ed25519 or X25519');
  return x;
}

const publicKey = (crv: Curve, x: string): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv, x }, format: 'jwk' });

/** @throws when the text is no X25519 key */
export const sealingPublicKey = (raw: string): KeyObject => publicKey('X25519', raw);

/** Whether the signature of the text is by this key; false also for a malformed key or signature. */
export function verifySignature(signingKey: string, text: string, signature: string): boolean {
  try {
    return (
      isRawKey(signingKey) &&
      verify(null, Buffer.from(text), publicKey('Ed25519', signingKey), Buffer.from(signature, 'base64url'))
    );
  } catch {
    return false;
  }
}

/** The fingerprint of a key, for two people to compare, in the form of SSH. */
export const fingerprint = (raw: string): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(raw, 'base64url')).digest('base64').replace(/=+$/, '')}`;
