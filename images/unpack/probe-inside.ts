/** Probes a packed file: unpacks its beginning and judges what is inside. */
import type { Compression, UrlReport } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { HEAD_LENGTH, sniffFormat } from '../inspect/format.ts';
import { inspectHead } from '../inspect/inspect.ts';
import type { ImageLimits } from '../inspect/limits.ts';
import { compressionOf, unpackedFrom } from './compression.ts';
import type { UnpackSettings } from './limits.ts';
import { unpackHead } from './unpack-head.ts';
import type { UnpackedHead } from './unpack-head.ts';
import { imageOf, readDirectory } from './zip-directory.ts';

/** Bytes for a second try. bzip2 gives no output before a block is complete, and a packed block may be this long. */
const MAX_START = 1_048_576;

/** A file at its source, as a probe reads it. */
export interface ProbedFile {
  /** The first bytes, or all of a shorter file. */
  readonly head: Buffer;
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
  /** Reads from byte `first` to the end; undefined when the source does not serve ranges. */
  readEnd(first: number): Promise<Buffer | undefined>;
  /** Reads the first `length` bytes. @throws ImageError */
  readStart(length: number): Promise<Buffer>;
}

export interface InsideOptions {
  readonly settings: UnpackSettings;
  readonly signal: AbortSignal;
}

export interface Inside extends UnpackedHead {
  readonly compression: Compression;
}

/**
 * @returns undefined when the file is not packed
 * @throws ImageError when this host cannot unpack the file, or must not
 */
export async function lookInside(
  file: ProbedFile,
  { settings, signal }: InsideOptions,
): Promise<Inside | undefined> {
  const compression = compressionOf(file.head);
  if (compression === undefined) return undefined;
  const options = { signal, path: settings.path };
  const all = (packed: Buffer): boolean => packed.length === file.total;
  const listed = compression === 'zip' ? await sizeInDirectory(file) : {};
  const first = await unpackHead(compression, file.head, all(file.head), options);
  if (first.whole || first.head.length >= HEAD_LENGTH) return { compression, ...first, ...listed };
  const more = await file.readStart(MAX_START);
  return { compression, ...(await unpackHead(compression, more, all(more), options)), ...listed };
}

/**
 * Reads the unpacked size of the image from the directory of a zip archive.
 * @throws ImageError when the archive has no image, or several
 */
async function sizeInDirectory(file: ProbedFile): Promise<Pick<UnpackedHead, 'claimed'>> {
  const directory = await readDirectory(file.total, (first) => file.readEnd(first));
  return directory === undefined ? {} : { claimed: imageOf(directory).unpacked };
}

/** @throws ImageRefused when the unpacked image is not of the declared format, or not safe to open */
export function judgeInside(
  { compression, head, whole, claimed }: Inside,
  declared: TemplateFormat,
  limits: ImageLimits = {},
): Pick<UrlReport, 'format' | 'virtualSize' | 'unpackedSize' | 'compression' | 'evidence'> {
  const size = whole ? head.length : claimed;
  const base = { compression, ...(size === undefined ? {} : { unpackedSize: size }) };
  // An incomplete head is not enough to judge the format.
  if (!whole && head.length < HEAD_LENGTH) return { ...base, format: compression, virtualSize: 0 };
  const format = sniffFormat(head);
  try {
    const facts = inspectHead(head, whole ? head.length : Number.MAX_SAFE_INTEGER, declared, limits);
    const known = whole || declared === 'QCOW2';
    const planned = size ?? diskSize(facts.evidence);
    return {
      ...base,
      format,
      virtualSize: known ? facts.virtualSize : 0,
      ...(facts.evidence === undefined ? {} : { evidence: facts.evidence }),
      ...(planned === undefined ? {} : { unpackedSize: planned }),
    };
  } catch (error) {
    throw unpackedFrom(compression, error);
  }
}

/** The smallest possible size of the disk, by its partition table or volume descriptor. */
function diskSize(evidence: ReturnType<typeof inspectHead>['evidence']): number | undefined {
  const ends = (evidence?.partitionTable?.partitions ?? []).map(({ start, size }) => start + size);
  const size = Math.max(evidence?.iso?.volumeSize ?? 0, ...ends);
  return size > 0 ? size : undefined;
}
