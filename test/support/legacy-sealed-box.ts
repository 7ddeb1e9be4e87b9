/**
 * Seals boxes at rest as releases before 0.2 did: bound to a use, but to no row. Made by a library, not by Bypass's
 * own code.
 */
import { CompactEncrypt } from 'jose';
import type { SecretOwner } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';

export function legacySealedBox(key: MasterKey, use: SecretOwner['use'], text: string): Promise<string> {
  const secret = key.keys.get(key.kid);
  if (secret === undefined) throw new Error('the master key has no key');
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ typ: 'bypass-at-rest', alg: 'dir', enc: 'A256GCM', kid: key.kid, use })
    .encrypt(secret);
}
