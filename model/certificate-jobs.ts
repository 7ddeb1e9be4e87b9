/** What crosses a queue about certificates; under the rules of payloads.ts. */
import type { HeldCertificate } from './certificate.ts';
import type { HostAnswer } from './payloads.ts';

/** All that a host's keystore is to hold: what is not named here goes. */
export interface CertificatesJob {
  readonly v: 1;
  readonly certificates: readonly WantedCertificate[];
}

export interface WantedCertificate {
  readonly id: string;
  readonly alias: string;
  /** PEM: one certificate, a chain or a bundle. */
  readonly certificate: string;
  /** PEM: what the host shows to servers that demand it. */
  readonly clientCertificate?: string;
  /** The private key of that one, for this host alone. */
  readonly sealed?: string;
}

export interface CertificatesResult extends HostAnswer {
  /** As read back from the keystore. */
  readonly held: readonly HeldCertificate[];
  /** Those that could not be taken, by alias. */
  readonly failed: Readonly<Record<string, string>>;
  /** Why the keystore was made anew. */
  readonly rebuilt?: string;
}

/** Brings a host's keystore to what it is to hold. */
export interface KeystoreInput {
  readonly v: 1;
  readonly hostId: string;
}

/** How that ended. */
export interface KeystoreOutcome {
  readonly v: 1;
  /** The host holds all that it is to hold, and nothing else. */
  readonly settled: boolean;
  /** Why it does not. */
  readonly problem?: string;
}

/** Brings a certificate to the hosts that are to have it, and takes it from the others. */
export interface CertificateInput {
  readonly v: 1;
  readonly certificateId: string;
  readonly alias: string;
  /** Hosts not yet seen to, when it goes on as a new run. */
  readonly left?: readonly string[];
}

/** Signal to it: these hosts are to be seen to. */
export interface CertificateRequest {
  readonly v: 1;
  readonly hostIds: readonly string[];
}

export interface CertificateOutcome {
  readonly v: 1;
  /** Those seen to, and why not all is well there. */
  readonly hosts: readonly { readonly hostId: string; readonly problem?: string }[];
}
