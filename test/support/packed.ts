/** Packed files made on the spot, by the programs that people use. */
import { spawn } from 'node:child_process';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import type { Compression } from '../../model/source.ts';

/** What a program makes of its input. */
export function pipedThrough(program: string, args: readonly string[], input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${program} ended with ${code}`)),
    );
    child.stdin.end(input);
  });
}

export function packed(compression: Compression, bytes: Buffer): Promise<Buffer> {
  switch (compression) {
    case 'gzip':
      return Promise.resolve(gzipSync(bytes, { level: 1 }));
    case 'zip':
      return Promise.resolve(zipOf([{ name: 'disk.img', bytes }]));
    case 'bzip2':
      return pipedThrough('bzip2', ['-1c'], bytes);
    case 'xz':
      return pipedThrough('xz', ['-0c'], bytes);
    case 'zstd':
      return pipedThrough('zstd', ['-1cq'], bytes);
  }
}

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly stored?: boolean;
  /** Sizes in zip64 fields. */
  readonly zip64?: boolean;
  /** Checksum and sizes behind the data. */
  readonly descriptor?: boolean | 'bare';
  readonly flags?: number;
  readonly method?: number;
  /** Unix mode. */
  readonly mode?: number;
  /** In the directory, in place of the true ones. */
  readonly lies?: { readonly name?: string; readonly size?: number; readonly offset?: number };
}

const u16 = (value: number): Buffer => {
  const field = Buffer.alloc(2);
  field.writeUInt16LE(value);
  return field;
};
const u32 = (value: number): Buffer => {
  const field = Buffer.alloc(4);
  field.writeUInt32LE(value);
  return field;
};
const u64 = (value: number): Buffer => {
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(BigInt(value));
  return field;
};

/** A zip archive, right unless told otherwise. */
export function zipOf(entries: readonly ZipEntry[], comment = '', zip64End = false): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { bytes, stored = false, zip64 = false, descriptor = false, lies = {} } = entry;
    const data = stored ? bytes : deflateRawSync(bytes, { level: 1 });
    const how = u16(entry.method ?? (stored ? 0 : 8));
    const flags = u16((entry.flags ?? 0) | (descriptor === false ? 0 : 8));
    const name = Buffer.from(entry.name);
    const crc = crc32(bytes);
    const behind = descriptor !== false;
    const wide = zip64
      ? Buffer.concat([u16(1), u16(16), u64(bytes.length), u64(data.length)])
      : Buffer.alloc(0);
    const sizes = (empty: boolean, size = bytes.length): Buffer =>
      zip64
        ? Buffer.concat([u32(empty ? 0 : crc), u32(0xffffffff), u32(0xffffffff)])
        : Buffer.concat([u32(empty ? 0 : crc), u32(empty ? 0 : data.length), u32(empty ? 0 : size)]);
    const local = Buffer.concat([
      ...[u32(0x04034b50), u16(45), flags, how, u32(0), sizes(behind), u16(name.length), u16(wide.length)],
      ...[name, wide, data],
      ...(behind
        ? [
            descriptor === 'bare' ? Buffer.alloc(0) : u32(0x08074b50),
            u32(crc),
            ...(zip64 ? [u64(data.length), u64(bytes.length)] : [u32(data.length), u32(bytes.length)]),
          ]
        : []),
    ]);
    const central = Buffer.from(lies.name ?? entry.name);
    directory.push(
      Buffer.concat([
        ...[u32(0x02014b50), u16(0x0300 | 45), u16(45), flags, how, u32(0), sizes(false, lies.size)],
        ...[u16(central.length), u16(wide.length), u16(0), u16(0), u16(0)],
        ...[u32(((entry.mode ?? 0o100644) << 16) >>> 0), u32(lies.offset ?? offset), central, wide],
      ]),
    );
    files.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const count = u16(entries.length);
  const end64 = zip64End
    ? [
        ...[u32(0x06064b50), u64(44), u16(45), u16(45), u32(0), u32(0), u64(entries.length)],
        ...[u64(entries.length), u64(listing.length), u64(offset)],
        ...[u32(0x07064b50), u32(0), u64(offset + listing.length), u32(1)],
      ]
    : [];
  return Buffer.concat([
    ...[...files, listing, ...end64, u32(0x06054b50), u16(0), u16(0), count, count, u32(listing.length)],
    ...[u32(zip64End ? 0xffffffff : offset), u16(comment.length), Buffer.from(comment)],
  ]);
}
