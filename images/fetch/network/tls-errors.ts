/** Why TLS with a source failed, and which upload of a certificate would help. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { ImageError } from '../../../model/failures.ts';

const UPLOAD = 'uploadTemplateDirectDownloadCertificate';
/** How an administrator gives hosts a client certificate; the end of a sentence. */
export const CLIENT_CERTIFICATE = `upload one for it, with clientcertificate and privatekey, beside the certificate of its authority (${UPLOAD})`;

const SENTENCES: Readonly<Record<string, string>> = {
  CERT_REVOKED: 'has a certificate that was revoked',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS on this port, or only a version too old',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'speaks only a version of TLS that is too old',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'speaks only a version of TLS that is too old',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: `demands a client certificate: ${CLIENT_CERTIFICATE}`,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: `refused the TLS handshake: it may demand a client certificate (then ${CLIENT_CERTIFICATE}), or other ciphers`,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'refused the client certificate: it does not know its authority',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'refused the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'refused the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'refused the client certificate: it has expired',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'refused the client certificate',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'speaks neither HTTP/1.1 nor HTTP/2 over TLS',
};

/** @param chain what the server sent, its own first */
type Explain = (chain: readonly X509Certificate[], name: string) => string;

const unknownIssuer: Explain = (chain) => {
  const last = chain.at(-1);
  const issuer = last === undefined ? 'its issuer' : nameOf(last.issuer);
  const missing =
    chain.length === 1 ? ' and which the server does not send (an intermediate certificate is missing)' : '';
  return `has a certificate whose issuer is unknown to this host: upload the certificate of ${issuer}, which this host does not have${missing} (${UPLOAD})`;
};

const outdated = (chain: readonly X509Certificate[]): string => {
  const ended = chain.find(({ validTo }) => Date.parse(validTo) < Date.now());
  const when = ended === undefined ? '' : ` (${nameOf(ended.subject)}, on ${dayOf(ended.validTo)})`;
  return `has a certificate that has expired${when}: the server needs a new one, no upload helps`;
};

const EXPLAINED: Readonly<Record<string, Explain>> = {
  CERT_HAS_EXPIRED: outdated,
  CERT_NOT_YET_VALID: ([server]) => {
    const from = server === undefined ? '' : ` but from ${dayOf(server.validFrom)} on`;
    return `has a certificate that is not valid yet${from} (see the clock of the host); no upload helps`;
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: ([server]) =>
    `has a self-signed certificate that this host does not trust${server === undefined ? '' : ` (${nameOf(server.subject)})`}: upload that certificate (${UPLOAD})`,
  SELF_SIGNED_CERT_IN_CHAIN: (chain) => {
    const root = chain.at(-1);
    return `has a certificate from an authority that this host does not trust: upload the certificate of ${root === undefined ? 'that authority' : nameOf(root.subject)} (${UPLOAD})`;
  },
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  CERT_SIGNATURE_FAILURE: ([server]) =>
    `has a certificate that was not signed by the authority of that name that this host knows: upload the certificate of ${nameOf(server?.issuer)} that did (${UPLOAD})`,
  ERR_TLS_CERT_ALTNAME_INVALID: ([server], name) =>
    isIP(name) > 0 && namesOf(server).includes(name)
      ? `has a certificate that gives ${name} as a host name, not as an IP address: the server needs one that does, or give a URL with another of its names`
      : `has a certificate for another host name (${namesOf(server)}, not for ${name}): give a URL with that name, no upload helps`,
};

/** Why the handshake failed. @param name of the server, as the URL has it */
export function tlsFailure(error: Error, name: string, chain: readonly X509Certificate[]): ImageError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const sentence = EXPLAINED[code]?.(chain, name) ?? tlsSentence(code);
  return new ImageError('TlsFailed', sentence ?? 'closed the connection in the TLS handshake', {
    cause: error,
  });
}

/** The sentence for an error code of OpenSSL or Node; undefined when the code is not about TLS. */
export function tlsSentence(code: string): string | undefined {
  const known = SENTENCES[code];
  if (known !== undefined) return known;
  return /^ERR_SSL_|^ERR_TLS_|^EPROTO$/.test(code) ? `failed the TLS handshake (${code})` : undefined;
}

const MAX_TEXT = 120;

/** Text from a remote certificate: one line of printable characters, at most MAX_TEXT of them. */
const printable = (text: string): string =>
  text
    .trim()
    .replaceAll('\n', ', ')
    .replace(/[^\x20-\x7e\u00a1-\uffff]/g, '?')
    .slice(0, MAX_TEXT);

const nameOf = (name: string | undefined): string => `'${printable(name ?? '') || 'no name'}'`;

const namesOf = (server: X509Certificate | undefined): string =>
  `for ${printable((server?.subjectAltName ?? 'no name').replaceAll(/DNS:|IP Address:/g, ''))}`;

const dayOf = (time: string): string => new Date(time).toISOString().slice(0, 'yyyy-mm-dd'.length);
