/** The header extensions of a qcow2 file. */
import { ImageError } from '../../model/failures.ts';
import { counted } from '../../model/grammar.ts';
import { HEAD_LENGTH } from './format.ts';
import type { InspectionLimits } from './limits.ts';

const extension = {
  end: 0,
  dataFile: 0x44_41_54_41,
  encryption: 0x05_37_be_77,
  bitmaps: 0x23_85_28_75,
} as const;

const BITMAPS_LENGTH = 24;
const MAX_BITMAPS = 65_535;
/** Maximum size in bytes. QEMU allows a directory of 65,535 bitmaps, 64 MiB. */
const MAX_DIRECTORY = 1_048_576;

export interface BitmapDirectory {
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly count: number;
}

interface Where {
  readonly headerLength: number;
  readonly bitmaps: boolean;
}

/**
 * @returns the directory of dirty bitmaps, when the header marks it as valid
 * @throws ImageError HostileImage when the image has its data in another file, or an extension makes no sense
 */
export function readExtensions(
  head: Buffer,
  { headerLength, bitmaps }: Where,
  clusterSize: number,
  limits: InspectionLimits,
): BitmapDirectory | undefined {
  let directory: BitmapDirectory | undefined;
  for (const { type, data } of eachExtension(head, headerLength, clusterSize)) {
    if (type === extension.dataFile) throw refuse('names an external data file');
    if (type === extension.encryption) throw refuse('is encrypted');
    if (type !== extension.bitmaps) continue;
    if (limits.allowBitmaps !== true) throw refuse('holds dirty bitmaps');
    directory = readDirectory(data);
  }
  if (!bitmaps) return undefined;
  if (directory === undefined) throw refuse('says that it holds dirty bitmaps, but has none');
  return directory;
}

interface Extension {
  readonly type: number;
  readonly data: Buffer;
}

/** The extensions end with a mark, or with their cluster. */
function* eachExtension(head: Buffer, start: number, clusterSize: number): Generator<Extension> {
  const end = Math.min(clusterSize, head.length);
  const seen = new Set<number>();
  for (let at = start; at + 8 <= end;) {
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    const next = at + 8 + Math.ceil(length / 8) * 8;
    if (next > end) throw refuse('has a header extension that runs out of its first cluster');
    if (type === extension.end) return;
    if (seen.has(type)) throw refuse(`has two header extensions of the same kind (0x${type.toString(16)})`);
    seen.add(type);
    yield { type, data: head.subarray(at + 8, at + 8 + length) };
    at = next;
  }
  // A shorter head means a truncated file; the check of its tables reports that better.
  if (end < clusterSize && end >= HEAD_LENGTH) throw refuse('has header extensions without an end');
}

function readDirectory(data: Buffer): BitmapDirectory {
  if (data.length !== BITMAPS_LENGTH)
    throw refuse(`has a bitmaps extension of ${counted(data.length, 'byte')}`);
  const count = data.readUInt32BE(0);
  const length = Number(data.readBigUInt64BE(8));
  if (count === 0 || count > MAX_BITMAPS || length > MAX_DIRECTORY || length < count * BITMAPS_LENGTH)
    throw refuse(`has a directory of ${counted(length, 'byte')} for ${counted(count, 'dirty bitmap')}`);
  return { offset: Number(data.readBigUInt64BE(16)), length, count };
}

const refuse = (sentence: string): ImageError =>
  new ImageError('HostileImage', `the qcow2 image ${sentence}`);
