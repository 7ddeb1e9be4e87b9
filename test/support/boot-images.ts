/** Guests that are a boot sector: it writes a line to the first serial port, then halts or begins again. */
import { bootCode } from '../../dev/boot-code.ts';
import type { BootOptions } from '../../dev/boot-code.ts';

const SECTOR = 512;
const ISO_SECTOR = 2048;
const DISK_SECTORS = 2048;

const bootSector = (line: string, options: BootOptions): Buffer => sectorOf(bootCode(line, options));

function sectorOf(code: Buffer): Buffer {
  const sector = Buffer.alloc(SECTOR);
  code.copy(sector);
  // A partition of all that follows: an inspection takes no disk for one without.
  sector.writeUInt8(0x83, 450);
  sector.writeUInt32LE(1, 454);
  sector.writeUInt32LE(DISK_SECTORS - 1, 458);
  sector.writeUInt16BE(0x55aa, SECTOR - 2);
  return sector;
}

/** A raw disk of one MiB that boots. */
export const bootDisk = (line: string, options: BootOptions = {}): Buffer =>
  Buffer.concat([bootSector(line, options), Buffer.alloc((DISK_SECTORS - 1) * SECTOR)]);

/** Code that asks the BIOS to write 32 KiB after 32 KiB onto the first disk, 40 times a second. */
const WRITING_CODE = Buffer.from(
  [
    'fa 31c0 8ed8 8ec0 8ed0 bc007c fb fc', // cli; ds, es, ss = 0; sp below the code; sti; cld
    'be307c b80043 b280 cd13', // again: write what the packet at 0x7c30 names
    '8106387c4000 83163a7c00', // its first sector += 64
    'b486 31c9 baa861 cd15', // wait for 25 000 µs
    'ebe0', // goto again
  ]
    .join('')
    .replaceAll(' ', '')
    .padEnd(0x60, '0')
    // Length of the packet, sectors, address of the bytes, first sector.
    .concat('1000 4000 0000 0010 0010000000000000'.replaceAll(' ', '')),
  'hex',
);

/** A raw disk of one MiB that boots, and writes onto its disk without end. */
export const writingDisk = (): Buffer =>
  Buffer.concat([sectorOf(WRITING_CODE), Buffer.alloc((DISK_SECTORS - 1) * SECTOR)]);

/** An ISO that boots, by the El Torito specification. */
export function bootIso(line: string): Buffer {
  const [descriptor, catalog, code] = [17, 19, 20];
  const iso = Buffer.alloc(32 * ISO_SECTOR);
  const volume = 16 * ISO_SECTOR;
  iso.write('\x01CD001\x01', volume, 'latin1');
  iso.write('BOOTS'.padEnd(32), volume + 40, 'latin1');
  iso.writeUInt32LE(32, volume + 80);
  iso.writeUInt32BE(32, volume + 84);
  iso.writeUInt16LE(ISO_SECTOR, volume + 128);
  iso.writeUInt16BE(ISO_SECTOR, volume + 130);
  iso.write('\x00CD001\x01EL TORITO SPECIFICATION', descriptor * ISO_SECTOR, 'latin1');
  iso.writeUInt32LE(catalog, descriptor * ISO_SECTOR + 71);
  iso.write('\xffCD001\x01', 18 * ISO_SECTOR, 'latin1');
  const validation = catalog * ISO_SECTOR;
  iso.writeUInt8(1, validation);
  iso.writeUInt16BE(0x55aa, validation + 30);
  iso.writeUInt16LE(0x10000 - sumOfWords(iso.subarray(validation, validation + 32)), validation + 28);
  const entry = validation + 32;
  iso.writeUInt8(0x88, entry);
  iso.writeUInt16LE(4, entry + 6);
  iso.writeUInt32LE(code, entry + 8);
  bootSector(line, {}).copy(iso, code * ISO_SECTOR);
  return iso;
}

function sumOfWords(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum = (sum + bytes.readUInt16LE(at)) & 0xffff;
  return sum;
}
