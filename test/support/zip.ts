/** Generates zip archives, correct and wrong ones. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly stored?: boolean;
  /** Sizes in zip64 fields. */
  readonly zip64?: boolean;
  /** Data descriptor after the data, with or without a signature. */
  readonly descriptor?: 'signed' | 'bare';
  readonly flags?: number;
  readonly method?: number;
  /** Unix mode. */
  readonly mode?: number;
  /** Wrong values for the directory. */
  readonly lies?: { readonly name?: string; readonly size?: number; readonly offset?: number };
}

/** A field as [bytes, value], or raw bytes. */
type Field = readonly [2 | 4 | 8, number] | Buffer;

function record(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (Buffer.isBuffer(field)) return field;
      const [length, value] = field;
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, length);
    }),
  );
}

const MAX32 = 0xffff_ffff;
const NOTHING = Buffer.alloc(0);

function made(entry: ZipEntry, offset: number): { readonly local: Buffer; readonly central: Buffer } {
  const { bytes, stored = false, zip64 = false, descriptor, lies = {}, mode = 0o100644 } = entry;
  const data = stored ? bytes : deflateRawSync(bytes, { level: 1 });
  const crc = crc32(bytes);
  const flags = (entry.flags ?? 0) | (descriptor === undefined ? 0 : 8);
  const extra = zip64 ? record([2, 1], [2, 16], [8, bytes.length], [8, data.length]) : NOTHING;
  const begin = record([2, 45], [2, flags], [2, entry.method ?? (stored ? 0 : 8)], [4, 0]);
  const sizes = (size: number): Buffer =>
    zip64 ? record([4, crc], [4, MAX32], [4, MAX32]) : record([4, crc], [4, data.length], [4, size]);
  const wide = zip64 ? 8 : 4;
  const behind = record([4, crc], [wide, data.length], [wide, bytes.length]);
  const name = Buffer.from(entry.name);
  const listed = Buffer.from(lies.name ?? entry.name);
  return {
    local: record(
      [4, 0x04034b50],
      begin,
      descriptor === undefined ? sizes(bytes.length) : Buffer.alloc(12, zip64 ? 0xff : 0),
      [2, name.length],
      [2, extra.length],
      name,
      extra,
      data,
      descriptor === 'signed' ? record([4, 0x08074b50]) : NOTHING,
      descriptor === undefined ? NOTHING : behind,
    ),
    central: record(
      [4, 0x02014b50],
      [2, 0x0300 | 45],
      begin,
      sizes(lies.size ?? bytes.length),
      [2, listed.length],
      [2, extra.length],
      Buffer.alloc(6),
      [4, (mode << 16) >>> 0],
      [4, lies.offset ?? offset],
      listed,
      extra,
    ),
  };
}

/** Generates a zip archive, correct by default. */
export function zipOf(
  entries: readonly ZipEntry[],
  options: { readonly comment?: string; readonly zip64?: boolean; readonly count?: number } = {},
): Buffer {
  const { comment = '', zip64 = false, count = entries.length } = options;
  const [locals, centrals]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const entry of entries) {
    const { local, central } = made(entry, offset);
    locals.push(local);
    centrals.push(central);
    offset += local.length;
  }
  const [files, listing] = [Buffer.concat(locals), Buffer.concat(centrals)];
  const end64 = record(
    ...([
      [4, 0x06064b50],
      [8, 44],
      [2, 45],
      [2, 45],
      [4, 0],
      [4, 0],
      [8, count],
      [8, count],
    ] as const),
    ...([
      [8, listing.length],
      [8, files.length],
    ] as const),
    ...([
      [4, 0x07064b50],
      [4, 0],
      [8, files.length + listing.length],
      [4, 1],
    ] as const),
  );
  return record(
    files,
    listing,
    zip64 ? end64 : NOTHING,
    [4, 0x06054b50],
    [4, 0],
    [2, count],
    [2, count],
    [4, listing.length],
    [4, zip64 ? MAX32 : files.length],
    [2, comment.length],
    Buffer.from(comment),
  );
}
