/** The identity of a host: an id and two key pairs, created at its first start and kept in its state folder. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { message, readJson, text, uuid } from '../model/messages/schema.ts';
import { rawPublicKey } from './keys.ts';
import { createSecretFile, readSecretFile, SecretFileError } from './secret-file.ts';

export { fingerprint, verifySignature } from './keys.ts';

export interface Identity {
  readonly hostId: string;
  /** Ed25519 public key, raw, base64url. */
  readonly signingKey: string;
  /** X25519 public key, raw, base64url. */
  readonly sealingKey: string;
  /** Opens boxes that were sealed for `sealingKey`. */
  readonly sealingPrivateKey: KeyObject;
  /** @returns the Ed25519 signature of a text, base64url */
  readonly sign: (text: string) => string;
}

const FILE = 'identity.json';

interface IdentityFile {
  readonly v: 1;
  readonly hostId: string;
  /** PKCS#8, PEM. */
  readonly signing: string;
  readonly sealing: string;
}

const identityFile = message<IdentityFile>({
  v: z.literal(1),
  hostId: uuid(),
  signing: text(),
  sealing: text(),
});

/** @throws SecretFileError when the file is damaged, or other users can read it */
export async function loadOrCreateIdentity(stateDir: string): Promise<Identity> {
  const path = join(stateDir, FILE);
  const json = (await readSecretFile(path)) ?? (await create(path));
  try {
    return identityOf(json);
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

function identityOf(json: string): Identity {
  const { value, problem } = readJson(identityFile, json);
  if (value === undefined) throw new TypeError(problem);
  const { hostId, signing, sealing } = value;
  const [signingPrivateKey, sealingPrivateKey] = [createPrivateKey(signing), createPrivateKey(sealing)];
  return {
    hostId,
    signingKey: rawPublicKey(createPublicKey(signingPrivateKey)),
    sealingKey: rawPublicKey(createPublicKey(sealingPrivateKey)),
    sealingPrivateKey,
    sign: (given) => sign(null, Buffer.from(given), signingPrivateKey).toString('base64url'),
  };
}
