/** Files that are text: error pages, documents, and a VMDK descriptor, which names other files of the host. */

/** Bytes of a head that are looked at; QEMU looks for a VMDK descriptor in as many. */
const LOOKED_AT = 2048;

const start = (head: Buffer): string =>
  head
    .subarray(0, LOOKED_AT)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '');

export const textLike =
  (pattern: RegExp) =>
  (head: Buffer): boolean =>
    pattern.test(start(head).trimStart());

/**
 * A descriptor needs no magic: comments and blank lines, then its version, are enough for QEMU to open the files
 * that it names.
 */
export function isVmdkDescriptor(head: Buffer): boolean {
  const text = start(head);
  if (/^\s*# *disk descriptorfile/i.test(text)) return true;
  const first = text.split('\n').find((line) => !/^\s*(?:#|$)/.test(line));
  return first !== undefined && /^\s*version\s*=\s*"?\d/i.test(first);
}

/** A file whose beginning is printable, so that it is no disk whatever it says. */
export function isText(head: Buffer): boolean {
  const sample = head.subarray(0, LOOKED_AT);
  if (sample.length === 0) return false;
  if (sample.length >= 4 && isUtf16(sample)) return true;
  return !sample.some((byte) => (byte < 0x20 && !WHITE.has(byte)) || byte === 0x7f) && isUtf8(sample);
}

const WHITE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b]);

const isUtf16 = (sample: Buffer): boolean => {
  const mark = sample.readUInt16LE(0);
  if (mark !== 0xfeff && mark !== 0xfffe) return false;
  const zeroes = sample.filter((byte, at) => at > 1 && at % 2 === (mark === 0xfeff ? 1 : 0) && byte === 0);
  return zeroes.length * 4 > sample.length;
};

/** The last character may be cut off by the end of the sample. */
function isUtf8(sample: Buffer): boolean {
  for (let cut = 0; cut < Math.min(4, sample.length); cut += 1) {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(sample.subarray(0, sample.length - cut));
      return true;
    } catch {
      // Perhaps the next shorter one is whole.
    }
  }
  return false;
}
