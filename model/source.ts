/** Sources of an image, and the report of a host about each. */
import type { ImageEvidence } from './evidence.ts';
import type { Proxies } from './proxy.ts';
import type { TemplateFormat } from './states.ts';

/** Compressions of files, which are unpacked during the download. */
export const compressions = ['gzip', 'bzip2', 'xz', 'zstd', 'zip'] as const;

export type Compression = (typeof compressions)[number];

/** The report of a probe about one URL. */
export interface UrlReport {
  /** As `displayUrl` shows it. */
  readonly url: string;
  readonly reachable: boolean;
  /** Why not, as a sentence; present exactly when it is not reachable. */
  readonly reason?: string;
  /** The rule of the URL policy that refused it. */
  readonly rule?: string;
  /** Bytes of the file as transferred; 0 when unknown. */
  readonly size: number;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Whether the server answers range requests. */
  readonly ranges: boolean;
  /** What the first bytes say that the file is, unpacked where that was possible; absent when it was not reachable. */
  readonly format?: string;
  /** Bytes of the disk within (qcow2), else those of the file; 0 when a packed file does not announce it. */
  readonly virtualSize: number;
  readonly compression?: Compression;
  /** Bytes that a packed file says to unpack to: for planning only, since it may be wrong. */
  readonly unpackedSize?: number;
  /** Evidence about the image, also when it was refused. */
  readonly evidence?: ImageEvidence;
  /** Metalink v4: 1 is tried first. Metalink v3 preferences are turned into this. */
  readonly priority: number;
  /** ISO 3166 country code, where a metalink gives one. */
  readonly location?: string;
}

/** A URL that bytes may be fetched from, in the order of `priority` (1 first). */
export interface Mirror {
  readonly url: string;
  readonly priority: number;
  readonly location?: string;
  readonly size: number;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly ranges: boolean;
}

/** Headers and credentials for one origin: sealed everywhere but in the memory that uses them. */
export interface Secrets {
  readonly v: 1;
  /** `scheme://host:port` that these were given for; they are sent nowhere else. */
  readonly origin: string;
  /** Origins that the zone trusts with what was given for this one, when it redirects there. */
  readonly alsoFor?: readonly string[];
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly username?: string;
  readonly password?: string;
  /** The whole URL, where its query is hidden everywhere else. */
  readonly url?: string;
  /** Added for each host; absent: the strictest. */
  readonly way?: SecretWay;
}

/**
 * How secrets may travel. It is sealed together with the secrets: otherwise somebody who can send jobs to a host could
 * replay them with a proxy and an authority of their own, and read along.
 */
export interface SecretWay {
  /** Proxies of the zone, which replace those of the job. */
  readonly proxies?: Proxies;
  readonly proxyIsGuard: boolean;
  /** Digests (`entryDigest`) of the uploads that are trusted, of those that the keystore holds. */
  readonly trusted: readonly string[];
}

/** The qcow2, raw or ISO file found by looking at its bytes. */
export interface ImageFacts {
  readonly format: TemplateFormat;
  /** Bytes that a VM sees. */
  readonly virtualSize: number;
  /** Absent in what was recorded before evidence was kept. */
  readonly evidence?: ImageEvidence;
}
