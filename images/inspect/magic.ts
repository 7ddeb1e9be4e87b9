/** Magic numbers: bytes at an offset that identify a format. */

export interface Magic<Format extends string = string> {
  readonly format: Format;
  readonly family: FormatFamily;
  /** Name for sentences, with its article. */
  readonly name: string;
  readonly matches: (head: Buffer) => boolean;
}

export type FormatFamily = 'disk' | 'optical' | 'plain' | 'compressed' | 'archive' | 'text' | 'other';

export type Matcher = Magic['matches'];

/** One of the magics at a place; text stands for bytes of its characters' numbers. */
export function bytesAt(offset: number, ...magics: readonly (string | readonly number[])[]): Matcher {
  const wanted = magics.map((magic) =>
    typeof magic === 'string' ? Buffer.from(magic, 'latin1') : Buffer.from(magic),
  );
  return (head) => wanted.some((bytes) => head.subarray(offset, offset + bytes.length).equals(bytes));
}

/** The last two bytes of a PC's boot sector. */
export const hasBootSignature: Matcher = bytesAt(510, [0x55, 0xaa]);
