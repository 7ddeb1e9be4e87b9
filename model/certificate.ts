/** Certificates that hosts trust for downloads: their names, and what crosses between a keystore and its users. */

/** One upload as a host keeps it. Certificates are DER. */
export interface KeystoreEntry {
  readonly alias: string;
  /** Trusted as authorities: one certificate, a chain or a bundle. */
  readonly certificates: readonly Uint8Array[];
  readonly client?: ClientIdentity;
}

/** What a host shows to servers that one of the entry's certificates vouches for. */
export interface ClientIdentity {
  /** The own one first, then those that lead to an authority of the server's. */
  readonly certificates: readonly Uint8Array[];
  /** PKCS#8, DER. */
  readonly key: Uint8Array;
}

/** An entry as a keystore tells of it. */
export interface HeldCertificate {
  readonly alias: string;
  /** Over its certificates (`entryDigest`). */
  readonly digest: string;
}

/** How a certificate fares on one host, in CloudStack's words. */
export type CertificateStatus = 'UPLOADED' | 'REVOKED' | 'FAILED' | 'SKIPPED';

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** @returns why the alias is not taken, as the end of a sentence about it, or undefined when it is */
export function whyNoAlias(alias: string): string | undefined {
  if (!DNS_LABEL.test(alias)) {
    return 'must be a DNS label: 1 to 63 letters, digits and hyphens, with a letter or digit at both ends';
  }
  if (/^(?:cloud$|cloudca)/i.test(alias)) {
    return `is '${alias}', which is reserved: 'cloud' and what begins with 'cloudca' are CloudStack's own`;
  }
  return undefined;
}

export const DAY_MS = 86_400_000;

/** Days before the end at which is warned, once each. */
export const EXPIRY_WARNINGS = [30, 7] as const;

/** Whole days until then; negative once it is over. */
export const daysLeft = (end: Date, now: Date): number =>
  Math.floor((end.getTime() - now.getTime()) / DAY_MS);

/** A host, as far as one certificate concerns it. */
export interface HostOfCertificate {
  readonly hostId: string;
  readonly hostName: string;
  readonly inZone: boolean;
  readonly up: boolean;
  readonly enabled: boolean;
  /** It is to have it. */
  readonly wanted: boolean;
  /** It has it, as it read back itself. */
  readonly held: boolean;
  /** Why it is not as it is to be. */
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
  const told = (status: CertificateStatus, details?: string): HostStatus => ({
    hostId,
    hostName,
    status,
    ...(details === undefined ? {} : { details }),
  });
  if (wanted === held) return told(wanted ? 'UPLOADED' : 'REVOKED');
  if (!host.inZone && !held) return told('SKIPPED', 'the host is in another zone');
  if (!host.enabled)
    return told(
      'SKIPPED',
      `the host is not enabled; ${wanted ? 'it gets it' : 'it loses it'} before it is used`,
    );
  const later = `it ${wanted ? 'gets it' : 'loses it'} by itself, before its next download`;
  if (!host.up) return told('FAILED', `the host is Down; ${later}`);
  return told('FAILED', `${host.error ?? 'the host has not confirmed it yet'}; ${later}`);
}
