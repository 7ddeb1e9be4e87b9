/** Self-signed certificates for servers on loopback. */
import { createPublicKey } from 'node:crypto';
import forge from 'node-forge';
import { rsaKey } from './rsa-keys.ts';

export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

interface CertificateOptions {
  readonly days?: number;
  /** Days until the certificate becomes valid. Default: since a day ago. */
  readonly inDays?: number;
  readonly names?: readonly string[];
  /** The issuer. Default: the certificate signs itself. */
  readonly issuer?: ServerCertificate;
  readonly digest?: 'sha1' | 'sha256';
}

/**
 * Creates a certificate for 127.0.0.1 and localhost, valid from a day ago for `days`; negative days create an expired
 * one.
 */
export function selfSigned(options: CertificateOptions = {}): ServerCertificate {
  const { days = 30, names = ['localhost'], inDays = -1, digest = 'sha256', issuer } = options;
  const key = rsaKey();
  const privateKey = key.export({ type: 'pkcs1', format: 'pem' }) as string;
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string;
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  const day = 86_400_000;
  const end = Date.now() + days * day;
  certificate.validity.notBefore = new Date(Math.min(Date.now() + inDays * day, end - day));
  certificate.validity.notAfter = new Date(end);
  const subject = [{ name: 'commonName', value: names[0] ?? 'localhost' }];
  certificate.setSubject(subject);
  certificate.setIssuer(
    issuer === undefined ? subject : forge.pki.certificateFromPem(issuer.cert).subject.attributes,
  );
  certificate.setExtensions([
    { name: 'basicConstraints', cA: issuer === undefined },
    {
      name: 'subjectAltName',
      altNames: [
        ...names.map((value) => ({ type: 2, value })),
        ...(names.includes('localhost') ? [{ type: 7, ip: '127.0.0.1' }] : []),
      ],
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? privateKey), forge.md[digest].create());
  return { key: privateKey, cert: forge.pki.certificateToPem(certificate) };
}
