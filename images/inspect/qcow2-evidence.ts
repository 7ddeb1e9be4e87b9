/** Facts of the header for people. They are shown of refused files too, so nothing is checked here. */
import type { Qcow2Evidence } from '../../model/evidence.ts';

const V2_LENGTH = 72;
const V3_LENGTH = 104;

const INCOMPATIBLE = ['dirty', 'corrupt', 'external data file', 'compression type', 'extended L2 entries'];
const COMPATIBLE = ['lazy refcounts'];
const AUTOCLEAR = ['dirty bitmaps', 'raw external data file'];

export function describeQcow2(head: Buffer): Qcow2Evidence | undefined {
  if (head.length < V2_LENGTH) return undefined;
  const version = head.readUInt32BE(4);
  const clusterBits = head.readUInt32BE(20);
  const clusterSize = clusterBits <= 31 ? 2 ** clusterBits : 0;
  const v3 = version >= 3 && head.length >= V3_LENGTH;
  return {
    version,
    clusterSize,
    virtualSize: Number(head.readBigUInt64BE(24)),
    l1Entries: head.readUInt32BE(36),
    refcountTable: head.readUInt32BE(56) * clusterSize,
    refcountBits: v3 ? 2 ** Math.min(head.readUInt32BE(96), 31) : 16,
    snapshots: head.readUInt32BE(60),
    features: [...otherFiles(head), ...(v3 ? flags(head) : [])],
    compression: v3 && compressionType(head) === 1 ? 'zstd' : 'zlib',
  };
}

const otherFiles = (head: Buffer): readonly string[] => [
  ...(head.readBigUInt64BE(8) === 0n ? [] : ['backing file']),
  ...(head.readUInt32BE(32) === 0 ? [] : ['encryption']),
];

const flags = (head: Buffer): readonly string[] => [
  ...named(head.readBigUInt64BE(72), INCOMPATIBLE, 'incompatible'),
  ...named(head.readBigUInt64BE(80), COMPATIBLE, 'compatible'),
  ...named(head.readBigUInt64BE(88), AUTOCLEAR, 'autoclear'),
];

const named = (bits: bigint, names: readonly string[], kind: string): readonly string[] =>
  Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => ((bits >> BigInt(bit)) & 1n) === 1n)
    .map((bit) => names[bit] ?? `${kind} bit ${bit}`);

const compressionType = (head: Buffer): number =>
  head.readUInt32BE(100) > V3_LENGTH && head.length > V3_LENGTH ? head.readUInt8(V3_LENGTH) : 0;
