/**
 * Spread: hosts give each other what they have of an image, so that its origin sends it once. A host that serves copies has
 * a door (workers/); the control side says which host fetches from which (the parent), and signs a ticket for it.
 *
 * Bytes that are on their way have a lineage: one fetch of one version from one origin. It is a UUID, made when a host
 * begins at byte 0 at the origin, kept with the part (`Provenance`), and passed on with its bytes. Bytes of one lineage go
 * on from every host that has this lineage, published or not; never from another lineage, unless a checksum was registered.
 */

/** A host's door, as its report has it; absent in reports of hosts that serve no copies. */
export interface PeerReport {
  /** `host:port` at which other hosts reach it. */
  readonly address: string;
  /** Uploads at a time, at most. */
  readonly uploads: number;
  /** Bytes per second of all uploads together; 0 for no limit. */
  readonly rate: number;
  /** The host's public key, which the authority certifies: PEM of a PKCS #10 request (RFC 2986). */
  readonly certificateRequest: string;
  /** When the certificate that the host holds ends, as an ISO time; absent while it holds none. */
  readonly certificateEnds?: string;
  /** `trustedDigest` of what the host was told last; absent while it was told nothing. */
  readonly trusted?: string;
}

/** Whom a host trusts, apart from its own certificate. */
export interface TrustedPeers {
  /** PEM of each authority of the installation that is valid now. */
  readonly authorities: readonly string[];
  /** Public key of tickets, as a JWK (RFC 7517). */
  readonly ticketKey: Readonly<Record<string, string>>;
  /** Hosts that may ask. A host that is not in it is refused, whatever its certificate and its ticket say. */
  readonly hostIds: readonly string[];
}

/** What a host needs to serve copies and to fetch from others. The control side renews it, and sends it anew after each change. */
export interface PeerCredentials extends TrustedPeers {
  readonly v: 1;
  /** PEM of the host's certificate. */
  readonly certificate: string;
}

/** What a ticket says: a signed JWT (RFC 7519) that the control side makes for one fetch, good for some minutes. */
export interface TicketClaims {
  /** `aud`: the host that serves. */
  readonly aud: string;
  /** `sub`: the host that asks. Its certificate must name the same. */
  readonly sub: string;
  /** The copy of the host that serves. */
  readonly copy: string;
  readonly exp: number;
}

/** From whom a download fetches, in its job; absent: from the origin. */
export interface PeerSource {
  /** The host that serves: the parent. */
  readonly hostId: string;
  /** Its copy. */
  readonly copyId: string;
  /** Its door, `host:port`. */
  readonly address: string;
  readonly ticket: string;
  /** SHA-256 of the image, hexadecimal, where a host has published it; then no other is published. */
  readonly sha256?: string;
}
