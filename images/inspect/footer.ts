/** Formats that only their last sector identifies: the rest of the file looks like a raw disk. */
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../reader.ts';

const SECTOR = 512;
/** Of a fixed VHD, in place of a pointer to its header. */
const NO_HEADER = 0xffff_ffff_ffff_ffffn;

export interface Footer {
  readonly format: 'vhd' | 'dmg';
  /** Name for sentences, with its article. */
  readonly name: string;
  /** Whether the footer describes a file of this size, so that its magic is no coincidence. */
  readonly fits: boolean;
}

/** Bytes of the file before its footer. */
export const footerAt = (size: number): number => Math.max(0, size - SECTOR);

export const readFooter = async (file: FileHandle, size: number): Promise<Footer | undefined> =>
  parseFooter(await readAt(file, footerAt(size), Math.min(size, SECTOR)), size);

/**
 * @param tail the last sector of the file
 * @returns the format that the footer names; undefined without a footer
 */
export function parseFooter(tail: Buffer, size: number): Footer | undefined {
  // Virtual PC 2004 and before wrote one byte less.
  for (const skip of [0, 1]) {
    const footer = tail.subarray(skip);
    if (footer.toString('latin1', 0, 8) !== 'conectix') continue;
    return { format: 'vhd', name: 'a VHD disk', fits: fitsVhd(footer, size) };
  }
  if (tail.toString('latin1', 0, 4) !== 'koly') return undefined;
  return { format: 'dmg', name: 'a DMG image', fits: fitsDmg(tail) };
}

function fitsVhd(footer: Buffer, size: number): boolean {
  if (footer.length < 85) return false;
  let sum = 0;
  for (const [at, byte] of footer.entries()) if (at < 64 || at >= 68) sum += byte;
  if (~sum >>> 0 !== footer.readUInt32BE(64)) return false;
  const header = footer.readBigUInt64BE(16);
  return header === NO_HEADER
    ? footer.readBigUInt64BE(48) + BigInt(footer.length) === BigInt(size)
    : header < BigInt(size);
}

/** Version 4, and its own length. */
const fitsDmg = (footer: Buffer): boolean =>
  footer.length === SECTOR && footer.readUInt32BE(4) === 4 && footer.readUInt32BE(8) === SECTOR;
