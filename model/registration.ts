/** Decides by a host's probe report whether a template or ISO is registered. */
import { apiCodes } from './api-codes.ts';
import { parseChecksum } from './checksum.ts';
import { counted } from './grammar.ts';
import type { ProbeReport } from './payloads.ts';
import type { Compression, UrlReport } from './source.ts';

export interface RegistrationDemands {
  /** `{ALG}hex` as the user gave it. */
  readonly checksum?: string;
  /** A zone of the template demands that every URL can be reached. */
  readonly demandAllMirrors: boolean;
}

type RefusalCode = typeof apiCodes.parameter | typeof apiCodes.internal;

export type RegistrationVerdict =
  | {
      readonly accepted: true;
      /** Bytes of the file as transferred. */
      readonly size: number;
      /** Bytes that a VM sees; 0 when the file is packed and does not announce it. */
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
      /** `parameter` where the request contradicts itself, `internal` where the source fails. */
      readonly apiCode: RefusalCode;
    };

export function judgeRegistration(wanted: RegistrationDemands, report: ProbeReport): RegistrationVerdict {
  const mirrors = eachOnce(report.urls);
  const reachable = mirrors.filter((mirror) => mirror.reachable);
  const [first] = reachable;
  if (first === undefined || (wanted.demandAllMirrors && reachable.length < mirrors.length)) {
    return refused(apiCodes.internal, unreachableSentence(mirrors, first !== undefined));
  }
  const metalinkSize = report.metalink?.size ?? 0;
  const contradiction =
    disagreement(reachable) ??
    sizeContradiction(reachable, metalinkSize) ??
    checksumContradiction(wanted.checksum, report.metalink?.checksum);
  if (contradiction !== undefined) return refused(apiCodes.parameter, contradiction);
  const size = reachable.find((mirror) => mirror.size > 0)?.size ?? metalinkSize;
  const { virtualSize } = reachable.find((mirror) => mirror.virtualSize > 0) ?? first;
  const { compression, unpackedSize } = reachable.find((mirror) => mirror.compression !== undefined) ?? first;
  if (size === 0 || (virtualSize === 0 && compression === undefined)) {
    return refused(apiCodes.internal, `${first.url} does not tell the size of the image`);
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

const refused = (code: RefusalCode, message: string): RegistrationVerdict => ({
  accepted: false,
  apiCode: code,
  message,
});

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
  const kinds = new Set(bad.map(reasonOf));
  const reasons = [...kinds]
    .flatMap((reason) =>
      together(
        reason,
        bad.filter((one) => reasonOf(one) === reason),
      ),
    )
    .join('; ');
  if (some)
    return `The zone demands that every URL can be downloaded from, and ${bad.length} cannot: ${reasons}`;
  if (bad.length === 0) return 'There is no URL to download from';
  return bad.length === 1
    ? `Cannot download ${reasons}`
    : `None of ${bad.length} URLs can be downloaded: ${reasons}`;
}

const reasonOf = ({ reason }: UrlReport): string => reason ?? 'not reachable';

/** URLs with the same reason that a sentence names one by one. */
const MAX_URLS_ONE_BY_ONE = 3;

function together(reason: string, urls: readonly UrlReport[]): readonly string[] {
  if (urls.length <= MAX_URLS_ONE_BY_ONE) return urls.map(({ url }) => `${url}: ${reason}`);
  const [first, second] = urls;
  return [`${urls.length} of them (${first?.url}, ${second?.url} and ${urls.length - 2} more): ${reason}`];
}

/** Mirrors of one file have one size, and one disk in it. */
function disagreement(reachable: readonly UrlReport[]): string | undefined {
  for (const [what, of] of [
    ['size', (mirror: UrlReport) => mirror.size],
    ['virtual size', (mirror: UrlReport) => mirror.virtualSize],
  ] as const) {
    const known = reachable.filter((mirror) => of(mirror) > 0);
    if (new Set(known.map(of)).size > 1) {
      const sizes = known.map((mirror) => `${mirror.url} has ${of(mirror)}`).join(', ');
      return `The mirrors disagree in ${what} (bytes): ${sizes}`;
    }
  }
  return undefined;
}

function sizeContradiction(reachable: readonly UrlReport[], metalinkSize: number): string | undefined {
  const other = reachable.find(({ size }) => metalinkSize > 0 && size > 0 && size !== metalinkSize);
  return other && `The metalink says ${counted(metalinkSize, 'byte')}, but ${other.url} has ${other.size}`;
}

function checksumContradiction(given: string | undefined, published: string | undefined): string | undefined {
  if (given === undefined || published === undefined) return undefined;
  const [ours, theirs] = [parseChecksum(given), parseChecksum(published)];
  if (ours.algorithm !== theirs.algorithm || ours.hex === theirs.hex) return undefined;
  return `The ${ours.algorithm} checksum given (${ours.hex}) is not the one in the metalink (${theirs.hex})`;
}
