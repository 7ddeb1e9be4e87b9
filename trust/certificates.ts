/** Reads certificates that people paste: PEM with or without markers and line breaks; one, a chain or a bundle. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The message ends a sentence about the pasted text. It must not quote the text, which may hold a private key. */
export class CertificateError extends Error {}

/** Certificates in a bundle; the largest public ones have 150. */
const MAX_CERTIFICATES = 300;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;
const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE'];

/**
 * The certificates in a text, in its order and without duplicates. Text around PEM blocks is ignored, since bundles have
 * comments.
 * @param now the certificates must be valid at this time; default: their validity is not checked
 * @throws CertificateError when the text holds anything else, or an invalid certificate
 */
export function readCertificates(text: string, now?: Date): readonly X509Certificate[] {
  const found = derOf(text).map(parse);
  if (found.length > MAX_CERTIFICATES)
    throw new CertificateError(`holds ${found.length} certificates; at most ${MAX_CERTIFICATES} are taken`);
  if (now !== undefined) for (const certificate of found) requireValid(certificate, now);
  return [...new Map(found.map((one) => [one.fingerprint256, one] as const)).values()];
}

/** Text copied out of JSON has escaped line breaks. */
const plain = (text: string): string => text.replace(/\\r|\\n/g, '\n');

function derOf(given: string): readonly Buffer[] {
  const text = plain(given);
  if (/PRIVATE KEY/.test(text)) throw pastedKey();
  if (!text.includes('-----')) return split(decode(text)).flat();
  const blocks = [...text.matchAll(BLOCK)];
  const rest = text.replaceAll(BLOCK, '');
  if (blocks.length === 0 || rest.includes('-----')) {
    throw notOne(
      'has a BEGIN or END line without the other one, or characters between them that PEM does not have',
    );
  }
  return blocks.flatMap(([, label = '', body = '']) => {
    if (!CERTIFICATE_LABELS.includes(label)) throw notOne(`holds a ${label}`);
    return split(decode(body));
  });
}

/** Several certificates in base64 without markers can be separated, since base64 ends at its padding. */
function decode(text: string): Buffer {
  const compact = text.replace(/\s+/g, '');
  const parts = compact.match(/[A-Za-z0-9+/]+={0,2}/g) ?? [];
  if (compact === '') throw notOne('is empty');
  if (parts.join('') !== compact) throw notOne('has characters that base64 does not have');
  return Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')));
}

/** Splits concatenated DER structures. */
function split(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = derLength(bytes.subarray(at));
    if (length === undefined || at + length > bytes.length)
      throw notOne('is cut off, or has something behind it');
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

const SEQUENCE = 0x30;

/** Length in bytes of the SEQUENCE at the beginning, its header included; undefined when there is none. */
function derLength(bytes: Buffer): number | undefined {
  const [tag, first = 0] = bytes;
  if (tag !== SEQUENCE || bytes.length < 2) return undefined;
  if (first < 0x80) return 2 + first;
  const size = first & 0x7f;
  if (size === 0 || size > 3 || bytes.length < 2 + size) return undefined;
  return 2 + size + bytes.readUIntBE(2, size);
}

function parse(der: Buffer): X509Certificate {
  try {
    const certificate = new X509Certificate(der);
    if (certificate.raw.equals(der)) return certificate;
  } catch (error) {
    if (isPrivateKey(der)) throw pastedKey();
    throw notOne('cannot be parsed', error);
  }
  throw notOne('cannot be parsed');
}

const isPrivateKey = (key: Buffer): boolean =>
  (['pkcs8', 'pkcs1', 'sec1'] as const).some((type) => {
    try {
      return createPrivateKey({ key, format: 'der', type }) !== undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    }
  });

const notOne = (why: string, cause?: unknown): CertificateError =>
  new CertificateError(`is not a certificate in PEM: it ${why}`, { cause });

const pastedKey = (): CertificateError =>
  new CertificateError('holds a private key: give the certificate alone (nothing of it was stored)');

const startOf = (certificate: X509Certificate): Date => new Date(certificate.validFrom);
export const endOf = (certificate: X509Certificate): Date => new Date(certificate.validTo);

function requireValid(certificate: X509Certificate, now: Date): void {
  const name = subjectOf(certificate);
  if (endOf(certificate) < now) {
    throw new CertificateError(`holds a certificate that expired on ${day(endOf(certificate))} (${name})`);
  }
  if (startOf(certificate) > now) {
    throw new CertificateError(
      `holds a certificate that is not yet valid, but from ${day(startOf(certificate))} on (${name})`,
    );
  }
}

const day = (time: Date): string => time.toISOString().slice(0, 'yyyy-mm-dd'.length);

/** The subject on one line: `CN=…, O=…`. */
export const subjectOf = ({ subject }: X509Certificate): string => oneLine(subject);
export const issuerOf = ({ issuer }: X509Certificate): string => oneLine(issuer);

const oneLine = (name: string | undefined): string => (name ?? '').trim().replaceAll('\n', ', ') || 'no name';

export const toPem = (certificates: readonly X509Certificate[]): string =>
  certificates.map((certificate) => certificate.toString()).join('');

/**
 * The private key of a client certificate.
 * @throws CertificateError when the text is no private key, needs a passphrase, or belongs to another certificate
 */
export function readPrivateKey(text: string, certificate: X509Certificate): KeyObject {
  const key = parseKey(plain(text));
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(`does not belong to the client certificate (${subjectOf(certificate)})`);
  }
  return key;
}

function parseKey(text: string): KeyObject {
  try {
    if (text.includes('-----')) return createPrivateKey(text);
    return createPrivateKey({
      key: Buffer.from(text.replace(/\s+/g, ''), 'base64'),
      format: 'der',
      type: 'pkcs8',
    });
  } catch (error) {
    // The cause is dropped, since its message may quote the key.
    throw new CertificateError(
      /ENCRYPTED/.test(text) || (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE'
        ? 'is protected by a passphrase; give it without one (`openssl pkey`): Bypass seals it'
        : 'is not a private key in PEM',
    );
  }
}

/** Identifies the content of a keystore entry: SHA-256 over its certificates and its client certificates, hex. */
export function entryDigest(
  certificates: readonly Uint8Array[],
  client: readonly Uint8Array[] | undefined,
): string {
  const hash = createHash('sha256');
  for (const der of certificates) hash.update('trusted').update(createHash('sha256').update(der).digest());
  for (const der of client ?? []) hash.update('client').update(createHash('sha256').update(der).digest());
  return hash.digest('hex');
}
