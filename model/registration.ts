/** Whether what a host found at a template's URLs makes it a template. */
import { parseChecksum } from './checksum.ts';
import type { ProbeReport } from './payloads.ts';
import type { Compression, UrlReport } from './source.ts';

export interface Wanted {
  /** `{ALG}hex` as the user gave it. */
  readonly checksum?: string;
  /** A zone of the template demands that every URL can be reached. */
  readonly demandAllMirrors: boolean;
}

export type Verdict =
  | {
      readonly accepted: true;
      /** Bytes of the file as transferred. */
      readonly size: number;
      /** Bytes that a VM sees; 0 when the file is packed and does not tell. */
      readonly virtualSize: number;
      readonly compression?: Compression;
      /** Bytes that a packed file says to unpack to. */
      readonly unpackedSize?: number;
      /** The user's, else the metalink's. */
      readonly checksum?: string;
      readonly metalinkDigest?: string;
      /** Each URL once. */
      readonly mirrors: readonly UrlReport[];
    }
  | {
      readonly accepted: false;
      /** A sentence that names what contradicts what. */
      readonly message: string;
      /** CloudStack's error code: 431 where the request contradicts itself, 530 where the source fails. */
      readonly apiCode: 431 | 530;
    };

export function judgeRegistration(wanted: Wanted, report: ProbeReport): Verdict {
  const mirrors = eachOnce(report.urls);
  const reachable = mirrors.filter((mirror) => mirror.reachable);
  const [first] = reachable;
  if (first === undefined || (wanted.demandAllMirrors && reachable.length < mirrors.length)) {
    return refused(530, unreachableSentence(mirrors, first !== undefined));
  }
  const metalinkSize = report.metalink?.size ?? 0;
  const contradiction =
    disagreement(reachable) ??
    sizeContradiction(reachable, metalinkSize) ??
    checksumContradiction(wanted.checksum, report.metalink?.checksum);
  if (contradiction !== undefined) return refused(431, contradiction);
  const size = reachable.find((mirror) => mirror.size > 0)?.size ?? metalinkSize;
  const { virtualSize } = reachable.find((mirror) => mirror.virtualSize > 0) ?? first;
  const { compression, unpackedSize } = reachable.find((mirror) => mirror.compression !== undefined) ?? first;
  if (size === 0 || (virtualSize === 0 && compression === undefined)) {
    return refused(530, `${first.url} does not tell the size of the image`);
  }
  const checksum = wanted.checksum ?? report.metalink?.checksum;
  return {
    accepted: true,
    size,
    virtualSize,
    mirrors,
    ...(compression === undefined ? {} : { compression }),
    ...(unpackedSize === undefined ? {} : { unpackedSize }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(report.metalink === undefined ? {} : { metalinkDigest: report.metalink.digest }),
  };
}

const refused = (apiCode: 431 | 530, message: string): Verdict => ({ accepted: false, apiCode, message });

/** A metalink may name a URL twice; the first in order counts. */
function eachOnce(urls: readonly UrlReport[]): readonly UrlReport[] {
  const seen = new Map<string, UrlReport>();
  for (const url of urls.toSorted((a, b) => a.priority - b.priority)) {
    if (!seen.has(url.url)) seen.set(url.url, url);
  }
  return [...seen.values()];
}

function unreachableSentence(mirrors: readonly UrlReport[], some: boolean): string {
  const bad = mirrors.filter((mirror) => !mirror.reachable);
  const reasons = bad.map(({ url, reason }) => `${url}: ${reason ?? 'not reachable'}`).join('; ');
  if (some)
    return `The zone demands that every URL can be downloaded from, and ${bad.length} cannot: ${reasons}`;
  if (bad.length === 0) return 'There is no URL to download from';
  return bad.length === 1
    ? `Cannot download ${reasons}`
    : `None of ${bad.length} URLs can be downloaded: ${reasons}`;
}

/** Mirrors of one file have one size, and one disk in it. */
function disagreement(reachable: readonly UrlReport[]): string | undefined {
  for (const [what, of] of [
    ['size', (mirror: UrlReport) => mirror.size],
    ['virtual size', (mirror: UrlReport) => mirror.virtualSize],
  ] as const) {
    const known = reachable.filter((mirror) => of(mirror) > 0);
    if (new Set(known.map(of)).size > 1) {
      const told = known.map((mirror) => `${mirror.url} has ${of(mirror)}`).join(', ');
      return `The mirrors disagree in ${what} (bytes): ${told}`;
    }
  }
  return undefined;
}

function sizeContradiction(reachable: readonly UrlReport[], metalinkSize: number): string | undefined {
  const other = reachable.find(({ size }) => metalinkSize > 0 && size > 0 && size !== metalinkSize);
  return other && `The metalink says ${metalinkSize} bytes, but ${other.url} has ${other.size}`;
}

function checksumContradiction(given: string | undefined, told: string | undefined): string | undefined {
  if (given === undefined || told === undefined) return undefined;
  const [ours, theirs] = [parseChecksum(given), parseChecksum(told)];
  if (ours.algorithm !== theirs.algorithm || ours.hex === theirs.hex) return undefined;
  return `The ${ours.algorithm} checksum given (${ours.hex}) is not the one in the metalink (${theirs.hex})`;
}
