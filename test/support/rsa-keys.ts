/**
 * RSA keys for tests. To make one takes longer than most tests, so the files of a Jest worker share them; all keys of a file
 * differ.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

// Test files load this module anew, and share the keys.
const shared = globalThis as { bypassTestRsaKeys?: KeyObject[] };
let taken = 0;

/** @returns a private key that this file has not got yet */
export function rsaKey(): KeyObject {
  const keys = (shared.bypassTestRsaKeys ??= []);
  const key = (keys[taken] ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  taken += 1;
  return key;
}
