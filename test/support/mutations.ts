/** Random changes to files, reproducible by seed. */

export type Random = () => number;

/** Numbers from 0 to 1 (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** Numbers that often break programs. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  511n,
  512n,
  4095n,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 53n,
  (1n << 56n) - 1n,
  1n << 62n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

/** Ranges of significant bytes, in which most changes are made. */
export type Interesting = readonly (readonly [start: number, length: number])[];

/** One to eight changes. */
export function mutate(original: Buffer, interesting: Interesting, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  const changes = 1 + below(random, 8);
  for (let change = 0; change < changes && bytes.length > 0; change += 1)
    bytes = changeOnce(bytes, place(bytes, interesting, random), random);
  return bytes;
}

function place(bytes: Buffer, interesting: Interesting, random: Random): number {
  if (interesting.length === 0 || random() < 0.1) return below(random, bytes.length);
  const [start, length] = pick(random, interesting);
  return Math.min(bytes.length - 1, start + below(random, length));
}

function changeOnce(bytes: Buffer, at: number, random: Random): Buffer {
  const kind = below(random, 100);
  if (kind < 25) bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << below(random, 8)), at);
  else if (kind < 40) bytes.writeUInt8(below(random, 256), at);
  else if (kind < 75) edge(bytes, at, random);
  else if (kind < 85) pointer(bytes, at, random);
  else if (kind < 92) bytes.copy(bytes, at, below(random, bytes.length), below(random, bytes.length) + 64);
  else if (kind < 95)
    bytes.fill(below(random, 2) * 255, at, Math.min(bytes.length, at + 1 + below(random, 512)));
  else if (kind < 98) return bytes.subarray(0, below(random, bytes.length));
  else return Buffer.concat([bytes, Buffer.alloc(below(random, 4096), below(random, 256))]);
  return bytes;
}

/** A number of an edge, or near it, of 2, 4 or 8 bytes. */
function edge(bytes: Buffer, at: number, random: Random): void {
  const size = pick(random, [2, 4, 8]);
  const start = Math.min(at - (at % size), bytes.length - size);
  if (start < 0) return;
  const near = pick(random, EDGES) + BigInt(below(random, 3) - 1);
  const value = BigInt.asUintN(size * 8, near);
  if (size === 2) bytes.writeUInt16BE(Number(value), start);
  else if (size === 4) bytes.writeUInt32BE(Number(value), start);
  else bytes.writeBigUInt64BE(value, start);
}

/** A place in the file, with or without the flags that formats keep in the same word. */
function pointer(bytes: Buffer, at: number, random: Random): void {
  const start = Math.min(at - (at % 8), bytes.length - 8);
  if (start < 0) return;
  const to = BigInt(below(random, Math.ceil(bytes.length / 512) + 2) * 512);
  bytes.writeBigUInt64BE(to | (BigInt(below(random, 4)) << 62n), start);
}
