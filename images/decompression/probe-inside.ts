/** What a probe finds in a packed file. */
import type { Compression, Secrets, UrlReport } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { HEAD_LENGTH, sniffFormat } from '../inspection/format.ts';
import { inspectHead } from '../inspection/inspect.ts';
import type { InspectionLimits } from '../inspection/limits.ts';
import type { Source, SourceHead } from '../sources/source.ts';
import { compressionOf, unpackedFrom } from './compression.ts';
import type { UnpackSettings } from './limits.ts';
import { unpackHead } from './unpack-head.ts';
import type { UnpackedHead } from './unpack-head.ts';

/** bzip2 gives nothing before a whole block is there, and a packed block may have so many bytes. */
const MORE = 1_048_576;

export interface InsideRequest {
  readonly url: string;
  readonly source: Source;
  readonly secrets: Secrets | undefined;
  readonly signal: AbortSignal;
  readonly settings: UnpackSettings;
}

export interface Inside extends UnpackedHead {
  readonly compression: Compression;
}

/**
 * @returns undefined when the file is not packed
 * @throws ImageError when this host cannot unpack it, or it is not to be unpacked
 */
export async function lookInside(found: SourceHead, request: InsideRequest): Promise<Inside | undefined> {
  const compression = compressionOf(found.head);
  if (compression === undefined) return undefined;
  const options = { signal: request.signal, path: request.settings.path };
  const all = (packed: Buffer): boolean => packed.length === found.total;
  const first = await unpackHead(compression, found.head, all(found.head), options);
  if (first.whole || first.head.length >= HEAD_LENGTH) return { compression, ...first };
  const more = await readStart(request);
  return { compression, ...(await unpackHead(compression, more, all(more), options)) };
}

async function readStart({ url, source, secrets, signal }: InsideRequest): Promise<Buffer> {
  const opened = await source.open({ url, secrets, signal });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const batch of opened.body) {
      chunks.push(...batch);
      length += batch.reduce((sum, chunk) => sum + chunk.length, 0);
      if (length >= MORE) break;
    }
  } finally {
    opened.close();
  }
  return Buffer.concat(chunks).subarray(0, MORE);
}

/** @throws ImageRefused when the image within is not the one that was declared */
export function judgeInside(
  { compression, head, whole, claimed }: Inside,
  declared: TemplateFormat,
  limits: InspectionLimits = {},
): Pick<UrlReport, 'format' | 'virtualSize' | 'unpackedSize' | 'compression' | 'evidence'> {
  const size = whole ? head.length : claimed;
  const told = { compression, ...(size === undefined ? {} : { unpackedSize: size }) };
  // What is shorter than a head tells nothing for certain.
  if (!whole && head.length < HEAD_LENGTH) return { ...told, format: compression, virtualSize: 0 };
  const format = sniffFormat(head);
  try {
    const facts = inspectHead(head, whole ? head.length : Number.MAX_SAFE_INTEGER, declared, limits);
    const known = whole || declared === 'QCOW2';
    const planned = size ?? diskSize(facts.evidence);
    return {
      ...told,
      format,
      virtualSize: known ? facts.virtualSize : 0,
      ...(facts.evidence === undefined ? {} : { evidence: facts.evidence }),
      ...(planned === undefined ? {} : { unpackedSize: planned }),
    };
  } catch (error) {
    throw unpackedFrom(compression, error);
  }
}

/** What a partition table or a volume descriptor says: a disk may be longer. */
function diskSize(evidence: ReturnType<typeof inspectHead>['evidence']): number | undefined {
  const ends = (evidence?.partitionTable?.partitions ?? []).map(({ start, size }) => start + size);
  const size = Math.max(evidence?.iso?.volumeSize ?? 0, ...ends);
  return size > 0 ? size : undefined;
}
