/** Whom a connection trusts: the authorities of the system, and the uploads in the host's keystore. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { PeerCertificate, SecureContext } from 'node:tls';
import type { ClientIdentity, KeystoreEntry } from '../../../model/certificate.ts';
import { ImageError } from '../../../model/failures.ts';

/**
 * Called for each connection, so that a change of the keystore holds from the next one on.
 * @param only digests of the entries to use; all when absent
 */
export type Trust = (only?: readonly string[]) => Promise<TrustNow>;

export interface TrustNow {
  readonly context: SecureContext;
  /** Client certificates of the host, each for some servers only. */
  readonly identities: readonly Identity[];
  /** Judges the server's certificate in place of the comparison with its name. @returns what is wrong */
  readonly identify?: (name: string, certificate: PeerCertificate) => Error | undefined;
}

export interface Identity {
  /** Trusts the same, and offers the client certificate. */
  readonly context: SecureContext;
  /** Whether it is for the server of this name with this certificate chain. */
  isFor(name: string, chain: readonly X509Certificate[]): boolean;
}

export interface Stored {
  /** Changes with the entries. */
  readonly version: string;
  readonly entries: readonly (KeystoreEntry & { readonly digest: string })[];
}

/** Where distributions keep the authorities of the system: Debian, Red Hat, SUSE, Alpine. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Cached contexts, one for each choice of entries; a host uses few at a time. */
const MAX_CACHED = 16;

/** @param keystore an error of reading it becomes HostFault */
export function createTrust(keystore: { read(): Promise<Stored> }): Trust {
  let latest: { readonly version: string; readonly trusts: Map<string, Promise<TrustNow>> } | undefined;
  return async (only) => {
    const { version, entries } = await keystore.read().catch((error: unknown) => {
      throw new ImageError('HostFault', (error as Error).message, { cause: error });
    });
    if (latest?.version !== version || latest.trusts.size >= MAX_CACHED)
      latest = { version, trusts: new Map() };
    const counting = only === undefined ? entries : entries.filter(({ digest }) => only.includes(digest));
    const key = counting.map(({ digest }) => digest).join();
    const trust = latest.trusts.get(key) ?? systemAuthorities().then((system) => trustOf(system, counting));
    latest.trusts.set(key, trust);
    return trust;
  };
}

/** Trust that never changes, whatever entries are chosen. @param authorities PEM */
export function fixedTrust(authorities: readonly string[] = []): Trust {
  const entries = authorities.map((pem, at) => ({
    alias: '',
    certificates: [new X509Certificate(pem).raw],
    digest: String(at),
  }));
  const trust = createTrust({ read: async () => ({ version: 'fixed', entries }) });
  return () => trust();
}

/** The system's authorities, or Node's own where the system has none, in PEM. */
async function systemAuthorities(): Promise<readonly string[]> {
  for (const path of SYSTEM_FILES) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return [text];
  }
  return rootCertificates;
}

function trustOf(system: readonly string[], entries: readonly KeystoreEntry[]): TrustNow {
  const parsed = entries.map((entry) => ({
    ...entry,
    authorities: entry.certificates.map((der) => new X509Certificate(der)),
  }));
  const own = parsed.flatMap(({ authorities }) => authorities.map(String));
  // An intermediate or a server's own certificate that was uploaded is enough by itself, as it is for Java.
  const trusted = { ca: [...system, ...own], allowPartialTrustChain: true };
  return {
    context: createSecureContext(trusted),
    identities: parsed.flatMap(({ client, authorities }) =>
      client === undefined
        ? []
        : [
            {
              context: createSecureContext({ ...trusted, ...pemOf(client) }),
              isFor: (name, chain) => vouchFor(authorities, name, chain),
            },
          ],
    ),
  };
}

const pemOf = ({ certificates, key }: ClientIdentity) => ({
  cert: certificates.map((der) => new X509Certificate(der).toString()).join(''),
  key: `-----BEGIN PRIVATE KEY-----\n${Buffer.from(key).toString('base64')}\n-----END PRIVATE KEY-----\n`,
});

/** Whether one of the authorities is the server's certificate, or issued it or an intermediate of its chain. */
function vouchFor(
  authorities: readonly X509Certificate[],
  name: string,
  [server, ...issuers]: readonly X509Certificate[],
): boolean {
  if (server === undefined || !isNamed(server, name)) return false;
  let last = server;
  for (const next of [undefined, ...issuers]) {
    if (next !== undefined) {
      if (!issued(next, last)) return false;
      last = next;
    }
    const link = last;
    if (!isCurrent(link)) return false;
    if (authorities.some((one) => one.raw.equals(link.raw) || issued(one, link))) return true;
  }
  return false;
}

const isNamed = (server: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? server.checkHost(name) : server.checkIP(name)) !== undefined;

const issued = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);

function isCurrent({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}
