/** Certificates that hosts trust for downloads: aliases, keystore entries, and their status on each host. */

/** One upload as a host keeps it. Certificates are DER. */
export interface KeystoreEntry {
  readonly alias: string;
  /** Trusted as authorities: one certificate, a chain or a bundle. */
  readonly certificates: readonly Uint8Array[];
  readonly client?: ClientIdentity;
}

/** The certificate that a host presents to servers whose certificates the entry's authorities issued. */
export interface ClientIdentity {
  /** The client certificate first, then its chain. */
  readonly certificates: readonly Uint8Array[];
  /** PKCS#8, DER. */
  readonly key: Uint8Array;
}

/** An entry as a host reports it. */
export interface HeldCertificate {
  readonly alias: string;
  /** Over its certificates (`entryDigest`). */
  readonly digest: string;
}

/** The status of a certificate on one host, in CloudStack's words. */
export type CertificateStatus = 'UPLOADED' | 'REVOKED' | 'FAILED' | 'SKIPPED';

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** @returns why the alias is refused, as the end of a sentence about it; undefined when it is taken */
export function aliasProblem(alias: string): string | undefined {
  if (!DNS_LABEL.test(alias)) {
    return 'must be a DNS label: 1 to 63 letters, digits and hyphens, with a letter or digit at both ends';
  }
  if (/^(?:cloud$|cloudca)/i.test(alias)) {
    return `is '${alias}', which is reserved: 'cloud' and what begins with 'cloudca' are CloudStack's own`;
  }
  return undefined;
}

export const DAY_MS = 86_400_000;

/** Days before the expiry at which one warning each is recorded. */
export const EXPIRY_WARNINGS = [30, 7] as const;

/** Whole days until `end`; negative afterwards. */
export const daysLeft = (end: Date, now: Date): number =>
  Math.floor((end.getTime() - now.getTime()) / DAY_MS);

/** A host, as far as one certificate concerns it. */
export interface HostOfCertificate {
  readonly hostId: string;
  readonly hostName: string;
  readonly inZone: boolean;
  readonly up: boolean;
  readonly enabled: boolean;
  /** The host must hold the certificate. */
  readonly wanted: boolean;
  /** The host holds the certificate, by its own report. */
  readonly held: boolean;
  /** Why `held` differs from `wanted`. */
  readonly error: string | null;
}

export interface HostStatus {
  readonly hostId: string;
  readonly hostName: string;
  readonly status: CertificateStatus;
  readonly details?: string;
}

export function statusOn(host: HostOfCertificate): HostStatus {
  const { hostId, hostName, wanted, held } = host;
  const result = (status: CertificateStatus, details?: string): HostStatus => ({
    hostId,
    hostName,
    status,
    ...(details === undefined ? {} : { details }),
  });
  if (wanted === held) return result(wanted ? 'UPLOADED' : 'REVOKED');
  if (!host.inZone && !held) return result('SKIPPED', 'the host is in another zone');
  if (!host.enabled)
    return result(
      'SKIPPED',
      `the host is not enabled; ${wanted ? 'it gets it' : 'it loses it'} before it is used`,
    );
  const later = `it ${wanted ? 'gets it' : 'loses it'} by itself, before its next download`;
  if (!host.up) return result('FAILED', `the host is Down; ${later}`);
  return result('FAILED', `${host.error ?? 'the host has not confirmed it yet'}; ${later}`);
}
