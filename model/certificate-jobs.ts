/** Messages about certificates that cross a queue; the rules of payloads.ts hold for them. */
import type { RunParameters, CertificateTiming, KeystoreTiming } from './timing.ts';
import type { HeldCertificate } from './certificate.ts';
import type { HostAnswer } from './payloads.ts';

/** All certificates that a host's keystore must hold: the host removes others. */
export interface CertificatesJob {
  readonly v: 1;
  readonly certificates: readonly WantedCertificate[];
}

export interface WantedCertificate {
  readonly id: string;
  readonly alias: string;
  /** PEM: one certificate, a chain or a bundle. */
  readonly certificate: string;
  /** PEM: the certificate that the host presents to servers that demand one. */
  readonly clientCertificate?: string;
  /** The private key of the client certificate, sealed for this host. */
  readonly sealed?: string;
}

export interface CertificatesResult extends HostAnswer {
  /** As read back from the keystore. */
  readonly held: readonly HeldCertificate[];
  /** Alias → why the host could not take the certificate. */
  readonly failed: Readonly<Record<string, string>>;
  /** Why the host had to make the keystore anew. */
  readonly rebuilt?: string;
}

/** Input of the workflow that brings a host's keystore up to date. */
export interface KeystoreInput extends RunParameters<KeystoreTiming> {
  readonly v: 1;
  readonly hostId: string;
  /** Workflows to signal at the end, carried over from the run that this one continues. */
  readonly listeners?: readonly string[];
}

/** Signal to a keystore workflow: compare the keystore with the database once more. */
export interface KeystoreRequest {
  readonly v: 1;
  /** Workflow to signal when the keystore workflow ends: a hint. */
  readonly listener?: string;
}

/** The result of a keystore workflow. */
export interface KeystoreOutcome {
  readonly v: 1;
  /** The keystore holds exactly the certificates that the database lists. */
  readonly settled: boolean;
  /** Why it does not. */
  readonly problem?: string;
}

/** Input of the workflow that brings a certificate to its hosts, and removes it from others. */
export interface CertificateInput extends RunParameters<CertificateTiming> {
  readonly v: 1;
  readonly certificateId: string;
  readonly alias: string;
  /** Hosts left over from the run that this one continues. */
  readonly left?: readonly string[];
}

/** Signal to a certificate workflow: bring these hosts up to date. */
export interface CertificateRequest {
  readonly v: 1;
  readonly hostIds: readonly string[];
}

export interface CertificateOutcome {
  readonly v: 1;
  /** The hosts that were brought up to date, and those that were not, with the reason. */
  readonly hosts: readonly { readonly hostId: string; readonly problem?: string }[];
}
