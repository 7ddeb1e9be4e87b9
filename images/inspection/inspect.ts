/** Whether a file is what it was declared to be, and harmless to those who will open it. */
import type { FileHandle } from 'node:fs/promises';
import { ImageError } from '../../model/failures.ts';
import type { ImageFacts } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { HEAD_LENGTH, matchFormats } from './format.ts';
import type { FoundFormat } from './format.ts';
import { checkIso } from './iso.ts';
import { parseQcow2 } from './qcow2.ts';
import type { Qcow2Limits } from './qcow2.ts';

const SECTOR = 512;

/**
 * Looks at the first bytes.
 * @param head the first 64 KiB, or all when the file is shorter
 * @param size bytes of the whole file
 * @throws ImageError FormatMismatch or HostileImage, naming what it is and what was declared
 */
export function inspectHead(
  head: Buffer,
  size: number,
  declared: TemplateFormat,
  limits: Qcow2Limits = {},
): ImageFacts {
  const found = matchFormats(head);
  refusePolyglot(found, declared);
  requireFormat(found, head, declared);
  if (declared === 'QCOW2')
    return { format: declared, virtualSize: parseQcow2(head, size, limits).virtualSize };
  if (declared === 'ISO') checkIso(head, size);
  else if (size < SECTOR) throw mismatch(`too short for a disk (${size} bytes)`, declared);
  return { format: declared, virtualSize: size };
}

/**
 * Looks at a complete file, by its own descriptor.
 * @throws ImageError FormatMismatch or HostileImage, naming what it is and what was declared
 */
export async function inspectFile(
  file: FileHandle,
  declared: TemplateFormat,
  limits: Qcow2Limits = {},
): Promise<ImageFacts> {
  const { size } = await file.stat();
  const facts = inspectHead(await readAt(file, 0, Math.min(size, HEAD_LENGTH)), size, declared, limits);
  await refuseFooter(file, size, declared);
  return facts;
}

/** A fixed VHD, and a DMG, say what they are at their end only; before it they look like a raw disk. */
async function refuseFooter(file: FileHandle, size: number, declared: TemplateFormat): Promise<void> {
  if (declared !== 'RAW') return;
  const footer = await readAt(file, Math.max(0, size - SECTOR), Math.min(size, SECTOR));
  const start = footer.subarray(0, 8).toString('latin1');
  if (start === 'conectix') throw mismatch('a VHD disk', declared);
  if (start.startsWith('koly')) throw mismatch('a DMG image', declared);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Two formats at once mean that two programs would read two different things. */
function refusePolyglot(found: readonly FoundFormat[], declared: TemplateFormat): void {
  const strict = found.filter(({ family }) => family === 'disk' || family === 'optical');
  if (strict.length < 2) return;
  const names = strict.map(({ name }) => name).join(' and ');
  throw new ImageError('HostileImage', `the file is ${names} at once; it was declared as ${declared}`);
}

function requireFormat(found: readonly FoundFormat[], head: Buffer, declared: TemplateFormat): void {
  const [first] = found;
  if (first === undefined || accepts(declared, first)) return;
  if (first.family === 'compressed') {
    throw mismatch(
      `${first.name}; compressed files are not taken yet, so give the URL of the unpacked one`,
      declared,
    );
  }
  const shown = first.family === 'text' && head.length > 0 ? `, which begins with "${printable(head)}"` : '';
  throw mismatch(`${first.name}${shown}`, declared);
}

function accepts(declared: TemplateFormat, { format, family }: FoundFormat): boolean {
  if (declared === 'QCOW2') return format === 'qcow2';
  if (declared === 'ISO') return format === 'iso';
  return family === 'plain';
}

const printable = (head: Buffer): string =>
  head
    .subarray(0, 60)
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();

const mismatch = (what: string, declared: TemplateFormat): ImageError =>
  new ImageError('FormatMismatch', `the file is ${what}; it was declared as ${declared}`);
