/**
 * Certificates by which hosts know each other: those of the installation's authority, and those that it issues to hosts.
 * Keys are ECDSA on P-256. The library is loaded when it is needed first: it takes 18 MB, and hosts without a door need none.
 */
import { X509Certificate, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { Pkcs10CertificateRequest } from '@peculiar/x509';
import { hostUrn } from '../model/spread.ts';
import { splitPart } from '../model/url-policy.ts';
import { endOf } from './certificates.ts';

/** An authority, or a host's key pair with what it asks of the authority. PEM. */
export interface Authority {
  readonly certificate: string;
  /** PKCS#8. */
  readonly key: string;
}

export interface HostKey {
  /** PKCS#8. */
  readonly key: string;
  /** PKCS#10 (RFC 2986). */
  readonly request: string;
}

/** What a certificate says of its host. */
export interface CertifiedHost {
  readonly hostId: string;
  /** `host:port` of its door. */
  readonly address: string;
}

/** A request that is none, or of a key that is not taken. */
export class CertificateRequestError extends Error {}

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

const DAY_MS = 86_400_000;
const AUTHORITY_MS = 365 * DAY_MS;
const HOST_MS = 7 * DAY_MS;
/** Clocks of hosts may be behind by so much. */
const SKEW_MS = 3_600_000;

async function library() {
  // It declares its classes with decorators.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> => {
  const { PemConverter } = await library();
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag);
};

/** A new authority, valid for a year. */
export async function createAuthority(now: Date): Promise<Authority> {
  const x509 = await library();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['Bypass hosts'] }],
    ...validity(now, AUTHORITY_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

/** A new key pair of a host. */
export async function createHostKey(hostId: string): Promise<HostKey> {
  const x509 = await library();
  const keys = await newKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [hostId] }],
    keys,
    signingAlgorithm: SIGNATURE,
  });
  return { key: await pemOf(keys.privateKey), request: request.toString('pem') };
}

/**
 * Certifies the key of a request for a week. Names that the request may have do not count: the certificate says what `host` says.
 * @throws CertificateRequestError
 */
export async function certifyHost(
  authority: Authority,
  request: string,
  { hostId, address }: CertifiedHost,
  now: Date,
): Promise<string> {
  const x509 = await library();
  const { publicKey } = await readRequest(request);
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(authority.key),
    KEY,
    false,
    ['sign'],
  );
  const { notBefore, notAfter } = validity(now, HOST_MS);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [hostId] }],
    issuer: issuer.subjectName,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: hostUrn(hostId) }, nameOf(address)]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return certificate.toString('pem');
}

const validity = (now: Date, ms: number): { readonly notBefore: Date; readonly notAfter: Date } => ({
  notBefore: new Date(now.getTime() - SKEW_MS),
  notAfter: new Date(now.getTime() + ms),
});

async function readRequest(text: string): Promise<Pkcs10CertificateRequest> {
  const x509 = await library();
  try {
    const request = new x509.Pkcs10CertificateRequest(text);
    const { name, namedCurve } = request.publicKey.algorithm as Partial<typeof KEY>;
    if (name === KEY.name && namedCurve === KEY.namedCurve && (await request.verify())) return request;
  } catch (error) {
    throw new CertificateRequestError('the request for a certificate cannot be read', { cause: error });
  }
  throw new CertificateRequestError('the request for a certificate is not signed by a key on P-256');
}

/** The name in a certificate of `host:port`. */
function nameOf(address: string): { readonly type: 'ip' | 'dns'; readonly value: string } {
  const { host: value } = splitPart(address) ?? { host: address };
  return { type: isIP(value) === 0 ? 'dns' : 'ip', value };
}

/** When a certificate ends. */
export const endOfPem = (pem: string): Date => endOf(new X509Certificate(pem));
