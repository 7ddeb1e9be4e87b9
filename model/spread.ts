/**
 * Spread: hosts give each other what they have of an image, so that its origin sends it once. A host that serves copies has
 * a door (workers/); the control side says which host fetches from which (the parent), and signs a ticket for it.
 *
 * Bytes that are on their way have a lineage: one fetch of one version from one origin. It is a UUID, made when a host
 * begins at byte 0 at the origin, kept with the part (`Provenance`), and passed on with its bytes. Bytes of one lineage go
 * on from every host that has this lineage, published or not; never from another lineage, unless a checksum was registered.
 */
import type { PeersTiming, RunParameters } from './timing.ts';

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

/** What changed among the hosts that may ask since a host was told of them. Only hosts with the feature `peerChanges` get it. */
export interface PeerChange {
  readonly v: 1;
  /** `TrustedPeers` before and after it, as `trustedDigest`. */
  readonly from: string;
  readonly to: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** A certificate of a host has about 1 kB as PEM. */
const MAX_CERTIFICATE_BYTES = 4096;

/** Size of the credentials that tell a host of these peers, at most. */
export const credentialBytes = (trusted: TrustedPeers): number =>
  JSON.stringify(trusted).length + MAX_CERTIFICATE_BYTES;

/** Input of the workflow that sends the hosts of a zone what they are to know of each other. */
export interface PeersInput extends RunParameters<PeersTiming> {
  readonly v: 1;
  readonly zoneId: string;
  /** How often the runs that this one continues have sent credentials, by host. */
  readonly sends?: Readonly<Record<string, number>>;
}

export interface PeersResult {
  readonly v: 1;
  /** How often a host has taken its credentials. */
  readonly told: number;
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

/** The version at its origin that the bytes of a lineage are of. Public: URLs are without credentials and queries. */
export interface OriginVersion {
  readonly url: string;
  /** The URL after redirects. */
  readonly finalUrl: string;
  /** The strong entity tag, by which a host that has bytes of the lineage can go on at the origin. */
  readonly etag?: string;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** A lineage that a host of the installation has published, and with which SHA-256. */
export interface KnownLineage {
  readonly lineage: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** How a host stands among the sources of a download: it is no URL that anybody could register. */
export const peerUrl = (hostId: string): string => `peer:${hostId}`;

const HOST_URN = 'urn:bypass:host:';

/** The name of a host in its certificate. */
export const hostUrn = (hostId: string): string => `${HOST_URN}${hostId}`;

/** @param names the alternative names of a certificate as Node writes them. @returns undefined unless they name one host alone */
export function hostIdOfNames(names = ''): string | undefined {
  const [name, ...others] = names.split(', ').filter((one) => one.startsWith('URI:'));
  const urn = name?.slice('URI:'.length) ?? '';
  return others.length === 0 && urn.startsWith(HOST_URN) ? urn.slice(HOST_URN.length) : undefined;
}

export const isPeerUrl = (url: string): boolean => url.startsWith('peer:');

/** The UUID of the host that a source of this name is. */
export const peerHostOf = (url: string): string | undefined => /^peer:([0-9a-f-]{36})$/.exec(url)?.[1];

/** From whom a copy comes, for people: `kvm-7, 2 behind the origin`. @param depth absent while nothing was chosen */
export function fromWhom(depth: number | undefined, hostName: string | undefined): string | undefined {
  if (depth === undefined) return undefined;
  return depth === 0 ? 'the origin' : `${hostName ?? 'another host'}, ${behindOrigin(depth)}`;
}

export const behindOrigin = (depth: number): string => `${depth} behind the origin`;

/** The entity tag of a copy that is under way. A published one of the lineage honours it in If-Range. */
export const lineageTag = (lineage: string): string => `"lineage-${lineage}"`;

/** The entity tag of a published image. */
export const imageTag = (sha256: string): string => `"sha256-${sha256}"`;

/**
 * The lineage of an image that was unpacked on a host: no origin has these bytes, so they are known by what they are. Each
 * host that unpacks the same image gives it the same lineage.
 */
export const lineageOfImage = (sha256: string): string =>
  sha256.slice(0, 32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-8$3-8$4-$5');

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
  /**
   * The template's source is packed, and the parent gives the unpacked image. Its SHA-256 (`sha256`, which must be there)
   * counts instead of the registered checksum and size, which are those of the packed file.
   */
  readonly unpacked?: boolean;
}

/** Hosts that failed as sources of a copy. */
export interface PeerFailures {
  readonly hostIds: readonly string[];
  /** Failures in a row since the copy last came further. Absent: one of each host. */
  readonly strikes?: number;
  /** When the first of these came, on Temporal's clock. Absent in runs of earlier releases. */
  readonly sinceMs?: number;
  /** Bytes of the file on the pool at the last progress. */
  readonly farthest: number;
}
