/** Public keys of hosts as they travel: raw, base64url. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

type Curve = 'Ed25519' | 'X25519';

/** Base64url of 32 bytes, and nothing else. */
const RAW = /^[A-Za-z0-9_-]{43}$/;

/** Whether the text can be a key at all. */
export const isRawKey = (text: string): boolean => RAW.test(text);

export function rawPublicKey(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('the key is not one of Ed25519 or X25519');
  return x;
}

const publicKey = (crv: Curve, x: string): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv, x }, format: 'jwk' });

/** @throws when it is no such key */
export const sealingPublicKey = (raw: string): KeyObject => publicKey('X25519', raw);

/** Whether the text was signed by who holds the key; false as well for a key or signature that is none. */
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

/** What two people compare, in the form that SSH has made familiar. */
export const fingerprint = (raw: string): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(raw, 'base64url')).digest('base64').replace(/=+$/, '')}`;
