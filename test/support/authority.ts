/** Certificate authorities for tests, with all kinds of keys, since forge signs with RSA only. */
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { rsaKey } from './rsa-keys.ts';

export type Algorithm = 'RSA' | 'ECDSA' | 'Ed25519';
export const ALGORITHMS: readonly Algorithm[] = ['RSA', 'ECDSA', 'Ed25519'];

export interface Issued {
  /** PKCS#8, PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** Issues a certificate; for authorities. */
  issue(about: About): Issued;
}

export interface About {
  readonly name: string;
  readonly ca?: boolean;
  /** DNS names beside 127.0.0.1; default localhost, and none for authorities. */
  readonly names?: readonly string[];
  /** Validity in days from now; negative for an expired certificate. Default 100. */
  readonly days?: number;
  /** Start of the validity, in days from now. Default: a day before now, or before the end. */
  readonly fromDays?: number;
}

const { asn1, pki } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
type Asn1 = forge.asn1.Asn1;

const SIGNATURE = {
  RSA: '1.2.840.113549.1.1.11',
  ECDSA: '1.2.840.10045.4.3.2',
  Ed25519: '1.3.101.112',
} as const;
const DAY_MS = 86_400_000;

export function createAuthority(algorithm: Algorithm, about: Partial<About> = {}): Issued {
  const key = keyOf(algorithm);
  const whole = { name: `${algorithm} root`, ca: true, ...about };
  return issued(algorithm, key, whole, { key, name: whole.name });
}

/** Creates a self-signed server certificate. */
export const selfSignedServer = (algorithm: Algorithm, about: Partial<About> = {}): Issued =>
  createAuthority(algorithm, { name: 'localhost', ca: false, ...about });

function issued(
  algorithm: Algorithm,
  key: KeyObject,
  about: About,
  issuer: { readonly key: KeyObject; readonly name: string },
): Issued {
  const der = certificate(algorithm, createPublicKey(key), about, issuer);
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: pem(der),
    issue: (next) => issued(algorithm, keyOf(algorithm), next, { key, name: about.name }),
  };
}

function keyOf(algorithm: Algorithm): KeyObject {
  if (algorithm === 'RSA') return rsaKey();
  if (algorithm === 'ECDSA') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return generateKeyPairSync('ed25519').privateKey;
}

function certificate(
  algorithm: Algorithm,
  publicKey: KeyObject,
  { name, ca = false, names = ca ? [] : ['localhost'], days = 100, fromDays }: About,
  issuer: { readonly key: KeyObject; readonly name: string },
): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('latin1');
  const tbs = sequence([
    asn1.create(CONTEXT_SPECIFIC, 0, true, [integer('\x02')]),
    integer(`\x01${randomBytes(8).toString('latin1')}`),
    algorithmId(algorithm),
    nameOf(issuer.name),
    sequence([time(fromDays ?? Math.min(0, days) - 1), time(days)]),
    nameOf(name),
    asn1.fromDer(spki),
    extensions(ca, names),
  ]);
  const signature = sign(
    algorithm === 'Ed25519' ? null : 'sha256',
    Buffer.from(toBinary(tbs), 'latin1'),
    issuer.key,
  );
  const signed = sequence([
    tbs,
    algorithmId(algorithm),
    primitive(asn1.Type.BITSTRING, `\0${signature.toString('latin1')}`),
  ]);
  return Buffer.from(toBinary(signed), 'latin1');
}

/** Encodes an extension by a certificate of forge, which fills in the details. */
function extensions(ca: boolean, names: readonly string[]): Asn1 {
  const shell = pki.createCertificate();
  shell.setExtensions([
    { name: 'basicConstraints', cA: ca, critical: true },
    ...(ca ? [{ name: 'keyUsage', keyCertSign: true, cRLSign: true }] : []),
    ...(names.length === 0
      ? []
      : [
          {
            name: 'subjectAltName',
            altNames: [
              ...names.map((value) => ({ type: 2, value })),
              ...(names.includes('localhost') ? [{ type: 7, ip: '127.0.0.1' }] : []),
            ],
          },
        ]),
  ]);
  return (pki as unknown as Encoder).certificateExtensionsToAsn1(shell.extensions);
}

/** A function of forge that its types lack. */
interface Encoder {
  certificateExtensionsToAsn1(extensions: unknown): Asn1;
}

const nameOf = (name: string): Asn1 =>
  sequence([
    asn1.create(UNIVERSAL, asn1.Type.SET, true, [
      sequence([
        primitive(asn1.Type.OID, asn1.oidToDer('2.5.4.3').getBytes()),
        primitive(asn1.Type.UTF8, forge.util.encodeUtf8(name)),
      ]),
    ]),
  ]);

const algorithmId = (algorithm: Algorithm): Asn1 =>
  sequence([
    primitive(asn1.Type.OID, asn1.oidToDer(SIGNATURE[algorithm]).getBytes()),
    ...(algorithm === 'RSA' ? [primitive(asn1.Type.NULL, '')] : []),
  ]);

const time = (days: number): Asn1 =>
  primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(new Date(Date.now() + days * DAY_MS)));

const primitive = (type: forge.asn1.Type, value: string): Asn1 => asn1.create(UNIVERSAL, type, false, value);
const integer = (bytes: string): Asn1 => primitive(asn1.Type.INTEGER, bytes);
const sequence = (value: Asn1[]): Asn1 => asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, value);
const toBinary = (node: Asn1): string => asn1.toDer(node).getBytes();

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
