/** Evidence of inspections. Its texts come from hostile files: they are cut short, and keep printable ASCII only. */
import * as z from 'zod/mini';
import type {
  ImageEvidence,
  IsoEvidence,
  Partition,
  PartitionTable,
  Qcow2Evidence,
  Qcow2Tables,
} from '../evidence.ts';
import { message } from './schema.ts';
import type { Schema } from './schema.ts';

const MAX_CHARACTERS = 64;
const MAX_ENTRIES = 32;
const MAX_PARTITIONS = 16;

const text: Schema<string> = z.string().check(
  z.overwrite((given) =>
    given
      .slice(0, MAX_CHARACTERS)
      .replace(/[^\x20-\x7e]+/g, ' ')
      .trim(),
  ),
);

const atMost = <T>(count: number, entry: Schema<T>): Schema<readonly T[]> =>
  z.array(entry).check(z.overwrite((given) => given.slice(0, count)));

const texts = atMost(MAX_ENTRIES, text);

const qcow2 = message<Qcow2Evidence>({
  version: z.number(),
  clusterSize: z.number(),
  virtualSize: z.number(),
  l1Entries: z.number(),
  refcountTable: z.number(),
  refcountBits: z.number(),
  snapshots: z.number(),
  features: texts,
  compression: text,
  tables: z.optional(
    message<Qcow2Tables>({
      l2Tables: z.number(),
      dataClusters: z.number(),
      compressedClusters: z.number(),
      zeroClusters: z.number(),
    }),
  ),
});

const iso = message<IsoEvidence>({
  label: text,
  volumeSize: z.number(),
  filesystems: texts,
  bootable: z.boolean(),
});

const partition = message<Partition>({
  number: z.number(),
  type: text,
  start: z.number(),
  size: z.number(),
  name: z.optional(text),
});

const partitionTable = message<PartitionTable>({
  kind: z.enum(['gpt', 'mbr']),
  sectorSize: z.number(),
  partitions: atMost(MAX_PARTITIONS, partition),
});

export const imageEvidence = message<ImageEvidence>({
  looked: z.enum(['head', 'file']),
  fileSize: z.number(),
  found: texts,
  qcow2: z.optional(qcow2),
  iso: z.optional(iso),
  partitionTable: z.optional(partitionTable),
  filesystem: z.optional(text),
});
