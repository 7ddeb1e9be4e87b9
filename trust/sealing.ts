/**
 * Boxes for a host: secrets on their way to the host that uses them, sealed with its public key as JWE (RFC 7516) in compact
 * form. The protected header names the template and the origin, the certificate, or the virtual machine, so that the box
 * serves no other purpose. Boxes in the database are those of `at-rest.ts`.
 */
import type { KeyObject } from 'node:crypto';
import { compactDecrypt, CompactEncrypt } from 'jose';
import { ImageError } from '../model/failures.ts';
import { readJson } from '../model/messages/schema.ts';
import { vmSecrets } from '../model/messages/secrets.ts';
import type { Secrets } from '../model/source.ts';
import type { VmSecrets } from '../model/vm-payloads.ts';
import { decodeSecrets, requireThat } from './at-rest.ts';
import { fingerprint, sealingPublicKey } from './keys.ts';

const CONTENT = 'A256GCM';
const FOR_HOST = { typ: 'bypass-for-host', alg: 'ECDH-ES' } as const;

/** A box opens on this host, for this template only, and its content may go to this origin only. */
export interface BoxLabel {
  readonly templateId: string;
  readonly hostId: string;
  readonly origin: string;
}

/**
 * @param sealingKey the host's X25519 public key, raw, base64url
 * @throws ImageError SealBroken when the host's key is malformed
 */
export async function sealForHost(sealingKey: string, secrets: Secrets, label: BoxLabel): Promise<string> {
  const { templateId, hostId, origin } = label;
  return sealing(async () => {
    requireThat(origin === secrets.origin);
    return boxOf(sealingKey, JSON.stringify(secrets), { template: templateId, host: hostId, origin });
  });
}

/** @throws ImageError SealBroken when the box was sealed for another host or template, or was changed */
export async function openForHost(
  privateKey: KeyObject,
  box: string,
  { templateId, hostId }: Omit<BoxLabel, 'origin'>,
): Promise<Secrets> {
  return opening(async () => {
    const { text, header } = await contentOf(privateKey, box, { template: templateId, host: hostId });
    const secrets = decodeSecrets(text);
    requireThat(secrets.origin === header['origin']);
    return secrets;
  });
}

/** A box opens on this host, for this certificate only. */
export interface KeyBoxLabel {
  readonly certificateId: string;
  readonly hostId: string;
}

/**
 * Seals the private key of a client certificate.
 * @throws ImageError SealBroken when the host's key is malformed
 */
export const sealKeyForHost = (
  sealingKey: string,
  key: string,
  { certificateId, hostId }: KeyBoxLabel,
): Promise<string> => sealing(() => boxOf(sealingKey, key, { certificate: certificateId, host: hostId }));

/** @throws ImageError SealBroken when the box was sealed for another host or certificate, or was changed */
export const openKeyForHost = (
  privateKey: KeyObject,
  box: string,
  { certificateId, hostId }: KeyBoxLabel,
): Promise<string> =>
  opening(async () => {
    const { text } = await contentOf(privateKey, box, { certificate: certificateId, host: hostId });
    return text;
  });

/** A box opens on this host, for this virtual machine only. */
export interface VmBoxLabel {
  readonly vmId: string;
  readonly hostId: string;
}

/**
 * Seals the user data and the console's password of a virtual machine.
 * @throws ImageError SealBroken when the host's key is malformed
 */
export const sealVmSecrets = (
  sealingKey: string,
  secrets: VmSecrets,
  { vmId, hostId }: VmBoxLabel,
): Promise<string> =>
  sealing(() => boxOf(sealingKey, JSON.stringify(secrets), { machine: vmId, host: hostId }));

/** @throws ImageError SealBroken when the box was sealed for another host or machine, or was changed */
export const openVmSecrets = (
  privateKey: KeyObject,
  box: string,
  { vmId, hostId }: VmBoxLabel,
): Promise<VmSecrets> =>
  opening(async () => {
    const { text } = await contentOf(privateKey, box, { machine: vmId, host: hostId });
    const { value } = readJson(vmSecrets, text);
    requireThat(value !== undefined);
    return value;
  });

/** What a box is bound to: the host, and one of template, certificate and machine. */
type Bound = Readonly<Record<string, string>>;

const boxOf = (sealingKey: string, text: string, bound: Bound): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ ...FOR_HOST, enc: CONTENT, kid: fingerprint(sealingKey), ...bound })
    .encrypt(sealingPublicKey(sealingKey));

/** @throws when the box is bound to something else */
async function contentOf(
  privateKey: KeyObject,
  box: string,
  bound: Bound,
): Promise<{ readonly text: string; readonly header: Readonly<Record<string, unknown>> }> {
  const { plaintext, protectedHeader: header } = await compactDecrypt(box, privateKey, ACCEPTED);
  requireThat(header.typ === FOR_HOST.typ);
  requireThat(Object.entries(bound).every(([name, value]) => header[name] === value));
  return { text: new TextDecoder().decode(plaintext), header };
}

const ACCEPTED = {
  keyManagementAlgorithms: [FOR_HOST.alg],
  contentEncryptionAlgorithms: [CONTENT],
};

const sealing = <T>(work: () => Promise<T>): Promise<T> =>
  hidingErrors('nothing can be sealed for this host: its key is damaged', work);

const opening = <T>(work: () => Promise<T>): Promise<T> =>
  hidingErrors('what was sealed for this host cannot be opened', work);

/** Replaces every error by the same message, so that errors give no hints about a box. */
async function hidingErrors<T>(failure: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ImageError('SealBroken', failure, { cause: error });
  }
}
