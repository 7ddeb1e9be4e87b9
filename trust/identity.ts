/** Who a host is: an id and two keys, made at its first start and kept in its state folder. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { rawPublicKey } from './keys.ts';
import { createSecretFile, readSecretFile, SecretFileError } from './secret-file.ts';

export { fingerprint, verifySignature } from './keys.ts';

export interface Identity {
  readonly hostId: string;
  /** Ed25519 public key, raw, base64url. */
  readonly signingKey: string;
  /** X25519 public key, raw, base64url. */
  readonly sealingKey: string;
  /** Opens what was sealed for `sealingKey`. */
  readonly sealingPrivateKey: KeyObject;
  /** Ed25519 signature of a text, base64url. */
  readonly sign: (text: string) => string;
}

const FILE = 'identity.json';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface IdentityFile {
  readonly v: 1;
  readonly hostId: string;
  /** PKCS#8, PEM. */
  readonly signing: string;
  readonly sealing: string;
}

/** @throws SecretFileError when the file is damaged or open to others */
export async function loadOrCreateIdentity(stateDir: string): Promise<Identity> {
  const path = join(stateDir, FILE);
  const text = (await readSecretFile(path)) ?? (await create(path));
  try {
    return identityOf(JSON.parse(text) as IdentityFile);
  } catch (error) {
    throw new SecretFileError(
      `${path} is damaged; restore it from a back-up, or remove it and let the host join as a new one`,
      { cause: error },
    );
  }
}

async function create(path: string): Promise<string> {
  const file: IdentityFile = {
    v: 1,
    hostId: randomUUID(),
    signing: pem(generateKeyPairSync('ed25519').privateKey),
    sealing: pem(generateKeyPairSync('x25519').privateKey),
  };
  await createSecretFile(path, `${JSON.stringify(file)}\n`);
  return (await readSecretFile(path)) ?? '';
}

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

function identityOf({ v, hostId, signing, sealing }: IdentityFile): Identity {
  if (v !== 1 || !UUID.test(hostId)) throw new TypeError('the identity has another form');
  const [signingPrivateKey, sealingPrivateKey] = [createPrivateKey(signing), createPrivateKey(sealing)];
  return {
    hostId,
    signingKey: rawPublicKey(createPublicKey(signingPrivateKey)),
    sealingKey: rawPublicKey(createPublicKey(sealingPrivateKey)),
    sealingPrivateKey,
    sign: (text) => sign(null, Buffer.from(text), signingPrivateKey).toString('base64url'),
  };
}
