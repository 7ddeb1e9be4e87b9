/** Checks that a file has the declared format, and that opening it harms no host. */
import type { FileHandle } from 'node:fs/promises';
import type { ImageEvidence } from '../../model/evidence.ts';
import { ImageError } from '../../model/failures.ts';
import { counted } from '../../model/grammar.ts';
import type { ImageFacts } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { mayBeDisk } from './disk-marks.ts';
import { findFilesystem } from './filesystem.ts';
import { readFooter } from './footer.ts';
import type { Footer } from './footer.ts';
import { HEAD_LENGTH, matchFormats } from './format.ts';
import type { FormatFamily, FoundFormat } from './format.ts';
import { checkIso, readIso } from './iso.ts';
import type { ImageLimits } from './limits.ts';
import { maxVirtualSize } from './limits.ts';
import { checkPartitions, readPartitions } from './partitions.ts';
import { describeQcow2 } from './qcow2-evidence.ts';
import { checkQcow2Tables } from './qcow2-tables.ts';
import { parseQcow2 } from './qcow2.ts';
import { readAt } from '../reader.ts';
import { withEvidence } from '../image-refused.ts';

const SECTOR = 512;

/**
 * Looks at the first bytes.
 * @param head the first 64 KiB, or all when the file is shorter
 * @param size bytes of the whole file; MAX_SAFE_INTEGER when it is not known
 * @param footer what is known of the end of the file
 * @throws ImageRefused FormatMismatch or HostileImage, naming what it is and what was declared
 */
export function inspectHead(
  head: Buffer,
  size: number,
  declared: TemplateFormat,
  limits: ImageLimits = {},
  footer?: Footer,
): ImageFacts {
  const found = matchFormats(head);
  const evidence = gather(head, found, { looked: 'head', size, footer });
  try {
    return {
      format: declared,
      virtualSize: judge(found, head, { size, footer }, declared, limits),
      evidence,
    };
  } catch (error) {
    throw withEvidence(error, evidence);
  }
}

/**
 * Looks at a complete file, by its own descriptor: its head, its end, and all tables of a qcow2 image. Memory stays
 * under 64 MB whatever its size.
 * @throws ImageRefused FormatMismatch or HostileImage, naming what it is and what was declared
 */
export async function inspectFile(
  file: FileHandle,
  declared: TemplateFormat,
  limits: ImageLimits = {},
): Promise<ImageFacts> {
  const { size } = await file.stat();
  const head = await readAt(file, 0, Math.min(size, HEAD_LENGTH));
  const found = matchFormats(head);
  const footer = await readFooter(file, size);
  const evidence = gather(head, found, { looked: 'file', size, footer });
  try {
    const virtualSize = judge(found, head, { size, footer }, declared, limits);
    if (declared !== 'QCOW2' || evidence.qcow2 === undefined)
      return { format: declared, virtualSize, evidence };
    const tables = await checkQcow2Tables(file, parseQcow2(head, size, limits), size, limits);
    return { format: declared, virtualSize, evidence: { ...evidence, qcow2: { ...evidence.qcow2, tables } } };
  } catch (error) {
    throw withEvidence(error, evidence);
  }
}

/** @returns bytes that a VM sees */
function judge(
  found: readonly FoundFormat[],
  head: Buffer,
  { size, footer }: Pick<Look, 'size' | 'footer'>,
  declared: TemplateFormat,
  limits: ImageLimits,
): number {
  refusePolyglot(found, declared);
  requireFormat(found, size, declared);
  refuseFooter(footer, declared);
  requireKnown(found, head, limits);
  if (declared === 'QCOW2') return parseQcow2(head, size, limits).virtualSize;
  if (declared === 'ISO') checkIso(head, size);
  else checkRaw(head, size);
  const limit = maxVirtualSize(limits);
  if (size > limit && size !== Number.MAX_SAFE_INTEGER)
    throw new ImageError(
      'HostileImage',
      `the image has ${counted(size, 'byte')}; at most ${limit} are allowed`,
    );
  // QEMU counts in sectors, and pads the last one.
  return size === Number.MAX_SAFE_INTEGER ? size : Math.ceil(size / SECTOR) * SECTOR;
}

function checkRaw(head: Buffer, size: number): void {
  // The boot sector of a file system ends as an MBR does, but has no partitions.
  if (findFilesystem(head) === undefined) checkPartitions(head, size);
}

interface Look {
  readonly looked: ImageEvidence['looked'];
  readonly size: number;
  readonly footer?: Footer | undefined;
}

function gather(head: Buffer, found: readonly FoundFormat[], { looked, size, footer }: Look): ImageEvidence {
  const formats = found.map(({ format }) => format);
  const qcow2 = formats.includes('qcow2') ? describeQcow2(head) : undefined;
  const optical = found.some(({ family }) => family === 'optical');
  const plain = found.some(({ family }) => family === 'plain');
  const filesystem = plain ? findFilesystem(head) : undefined;
  const partitionTable = filesystem === undefined && plain ? readPartitions(head) : undefined;
  return {
    looked,
    fileSize: size === Number.MAX_SAFE_INTEGER ? 0 : size,
    found: footer === undefined ? formats : [...formats, footer.format],
    ...(qcow2 === undefined ? {} : { qcow2 }),
    ...(optical ? { iso: readIso(head) } : {}),
    ...(partitionTable === undefined ? {} : { partitionTable }),
    ...(filesystem === undefined ? {} : { filesystem }),
  };
}

/** Families that exclude each other; an ISO image with a partition table is a usual hybrid. */
const EXCLUSIVE: readonly FormatFamily[] = ['disk', 'optical', 'compressed', 'archive', 'text', 'other'];

/** A file of two formats is refused: two programs would read two different images. */
function refusePolyglot(found: readonly FoundFormat[], declared: TemplateFormat): void {
  const one = found.filter(({ family }) => EXCLUSIVE.includes(family));
  const texts = one.filter(({ family }) => family === 'text').length;
  const hidden =
    found[0]?.format === 'qcow2' ? found.filter(({ family }) => family === 'plain').slice(0, 1) : [];
  if (one.length - Math.max(0, texts - 1) + hidden.length < 2) return;
  const names = [...one, ...hidden].map(({ name }) => name).join(' and ');
  throw new ImageError('HostileImage', `the file is ${names} at once; it was declared as ${declared}`);
}

function requireFormat(found: readonly FoundFormat[], size: number, declared: TemplateFormat): void {
  const [first] = found;
  if (first === undefined) return;
  if (first.format === 'raw' && size < SECTOR)
    throw mismatch(`too short for a disk (${counted(size, 'byte')})`, declared);
  if (accepts(declared, first)) return;
  // The sentence never quotes the file: it may be a page that only this host can read.
  throw mismatch(first.name, declared);
}

/** Unknown content may be any container, unless the user gave its checksum and so knows what it is. */
function requireKnown([first]: readonly FoundFormat[], head: Buffer, { allowUnknown }: ImageLimits): void {
  if (first?.format !== 'raw' || allowUnknown === true || mayBeDisk(head)) return;
  throw new ImageError(
    'FormatMismatch',
    'the file begins with no boot sector, partition table, file system or format that is known; it was declared as RAW. If it is a raw disk all the same, register it with its checksum',
  );
}

function accepts(declared: TemplateFormat, { format, family }: FoundFormat): boolean {
  if (declared === 'QCOW2') return format === 'qcow2';
  if (declared === 'ISO') return family === 'optical';
  return family === 'plain';
}

/** A raw disk has no say about its last sector; of others, only a footer that describes this very file counts. */
function refuseFooter(footer: Footer | undefined, declared: TemplateFormat): void {
  if (footer === undefined) return;
  if (declared === 'RAW') throw mismatch(footer.name, declared);
  if (!footer.fits) return;
  throw new ImageError(
    'HostileImage',
    `the file is ${footer.name} and something else at once; it was declared as ${declared}`,
  );
}

const mismatch = (what: string, declared: TemplateFormat): ImageError =>
  new ImageError('FormatMismatch', `the file is ${what}; it was declared as ${declared}`);
