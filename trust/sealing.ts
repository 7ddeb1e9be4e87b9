/**
 * Boxes for what only one origin may see. At rest they are closed with the master key; on the way to a host they are
 * closed for that host alone, for one template and one origin. Both are JWE (RFC 7516) in compact form.
 */
import type { KeyObject } from 'node:crypto';
import { compactDecrypt, CompactEncrypt, decodeProtectedHeader } from 'jose';
import type { CompactJWEHeaderParameters } from 'jose';
import { ImageError } from '../model/failures.ts';
import type { Secrets } from '../model/source.ts';
import { fingerprint, sealingPublicKey } from './keys.ts';
import type { MasterKey } from './master-key.ts';

const CONTENT = 'A256GCM';
const AT_REST = { typ: 'bypass-at-rest', alg: 'dir' } as const;
const FOR_HOST = { typ: 'bypass-for-host', alg: 'ECDH-ES' } as const;

/** What a box at rest holds; a box of one use does not open as another. */
export type Use = 'template' | 'user' | 'certificate';

/** Closes a text, such as a user's secret key, for the database. */
export async function sealText(key: MasterKey, use: Use, text: string): Promise<string> {
  await key.refresh();
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ ...AT_REST, enc: CONTENT, kid: key.kid, use })
    .encrypt(secretOf(key, key.kid));
}

/** @throws ImageError SealBroken when it was closed with another key or for another use, or changed */
export async function openText(key: MasterKey, use: Use, box: string): Promise<string> {
  return opening('what the database holds sealed cannot be opened with the master key', async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(box, keyFor(key), accepting(AT_REST.alg));
    requireThat(protectedHeader.typ === AT_REST.typ && protectedHeader['use'] === use);
    return new TextDecoder().decode(plaintext);
  });
}

/** Which key a box at rest was closed with; undefined when it is no box. */
export function keyOfBox(box: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(box);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

export const sealAtRest = (key: MasterKey, secrets: Secrets): Promise<string> =>
  sealText(key, 'template', JSON.stringify(secrets));

/** @throws ImageError SealBroken when it was closed with another key, or changed */
export async function openAtRest(key: MasterKey, box: string): Promise<Secrets> {
  const text = await openText(key, 'template', box);
  return opening('the stored secrets of this template are damaged', () => decode(text));
}

/** The box opens on this host, for this template, and its content goes to this origin. */
export interface BoxLabel {
  readonly templateId: string;
  readonly hostId: string;
  readonly origin: string;
}

/**
 * @param sealingKey the host's X25519 public key, raw, base64url
 * @throws ImageError SealBroken when the host's key is none
 */
export async function sealForHost(sealingKey: string, secrets: Secrets, label: BoxLabel): Promise<string> {
  const { templateId, hostId, origin } = label;
  return opening('nothing can be sealed for this host: its key is damaged', async () => {
    requireThat(origin === secrets.origin);
    return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(secrets)))
      .setProtectedHeader({
        ...FOR_HOST,
        enc: CONTENT,
        kid: fingerprint(sealingKey),
        template: templateId,
        host: hostId,
        origin,
      })
      .encrypt(sealingPublicKey(sealingKey));
  });
}

/** @throws ImageError SealBroken when it was closed for another host or template, or changed */
export async function openForHost(
  privateKey: KeyObject,
  box: string,
  { templateId, hostId }: Omit<BoxLabel, 'origin'>,
): Promise<Secrets> {
  return opening('what was sealed for this host cannot be opened', async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(box, privateKey, accepting(FOR_HOST.alg));
    const { typ, template, host, origin } = protectedHeader as CompactJWEHeaderParameters & Partial<Header>;
    requireThat(typ === FOR_HOST.typ && template === templateId && host === hostId);
    const secrets = decode(new TextDecoder().decode(plaintext));
    requireThat(secrets.origin === origin);
    return secrets;
  });
}

/** The box opens on this host, for this certificate. */
export interface KeyBoxLabel {
  readonly certificateId: string;
  readonly hostId: string;
}

/**
 * Closes the private key of a client certificate.
 * @throws ImageError SealBroken when the host's key is none
 */
export const sealKeyForHost = (
  sealingKey: string,
  key: string,
  { certificateId, hostId }: KeyBoxLabel,
): Promise<string> =>
  opening('nothing can be sealed for this host: its key is damaged', () =>
    new CompactEncrypt(new TextEncoder().encode(key))
      .setProtectedHeader({
        ...FOR_HOST,
        enc: CONTENT,
        kid: fingerprint(sealingKey),
        certificate: certificateId,
        host: hostId,
      })
      .encrypt(sealingPublicKey(sealingKey)),
  );

/** @throws ImageError SealBroken when it was closed for another host or certificate, or changed */
export const openKeyForHost = (
  privateKey: KeyObject,
  box: string,
  { certificateId, hostId }: KeyBoxLabel,
): Promise<string> =>
  opening('what was sealed for this host cannot be opened', async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(box, privateKey, accepting(FOR_HOST.alg));
    const { typ, certificate, host } = protectedHeader as CompactJWEHeaderParameters & Partial<Header>;
    requireThat(typ === FOR_HOST.typ && certificate === certificateId && host === hostId);
    return new TextDecoder().decode(plaintext);
  });

interface Header {
  readonly template: string;
  readonly certificate: string;
  readonly host: string;
  readonly origin: string;
}

const accepting = (alg: string) => ({
  keyManagementAlgorithms: [alg],
  contentEncryptionAlgorithms: [CONTENT],
});

const keyFor =
  (key: MasterKey) =>
  async (header: CompactJWEHeaderParameters): Promise<Uint8Array> => {
    const kid = String(header.kid);
    if (!key.keys.has(kid)) await key.refresh(kid);
    return secretOf(key, kid);
  };

function secretOf({ keys }: MasterKey, kid: string): Uint8Array {
  const key = keys.get(kid);
  requireThat(key !== undefined);
  return key;
}

function decode(text: string): Secrets {
  const secrets = JSON.parse(text) as Secrets;
  requireThat(secrets.v === 1 && typeof secrets.origin === 'string' && Array.isArray(secrets.headers));
  return secrets;
}

class NotAsSealed extends Error {}

function requireThat(condition: boolean): asserts condition {
  if (!condition) throw new NotAsSealed('the box is not what it should be');
}

/** Says that it failed, never what of it: a box gives no hints. */
async function opening<T>(failure: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ImageError('SealBroken', failure, { cause: error });
  }
}
