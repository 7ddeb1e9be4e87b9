/** Evidence of inspections, as it is stored. It tells of files that nobody can trust: printable, and never much. */
import { z } from 'zod';
import type { ImageEvidence } from '../model/evidence.ts';

const MOST_CHARACTERS = 64;
const MOST_ENTRIES = 32;
const MOST_PARTITIONS = 16;

const text = z.string().transform((given) =>
  given
    .slice(0, MOST_CHARACTERS)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim(),
);

const texts = z.array(text).transform((given) => given.slice(0, MOST_ENTRIES));

const qcow2 = z.object({
  version: z.number(),
  clusterSize: z.number(),
  virtualSize: z.number(),
  l1Entries: z.number(),
  refcountTable: z.number(),
  refcountBits: z.number(),
  snapshots: z.number(),
  features: texts,
  compression: text,
  tables: z
    .object({
      l2Tables: z.number(),
      dataClusters: z.number(),
      compressedClusters: z.number(),
      zeroClusters: z.number(),
    })
    .exactOptional(),
});

const iso = z.object({ label: text, volumeSize: z.number(), filesystems: texts, bootable: z.boolean() });

const partition = z.object({
  number: z.number(),
  type: text,
  start: z.number(),
  size: z.number(),
  name: text.exactOptional(),
});

const partitionTable = z.object({
  kind: z.enum(['gpt', 'mbr']),
  sectorSize: z.number(),
  partitions: z.array(partition).transform((given) => given.slice(0, MOST_PARTITIONS)),
});

const evidence = z.object({
  looked: z.enum(['head', 'file']),
  fileSize: z.number(),
  found: texts,
  qcow2: qcow2.exactOptional(),
  iso: iso.exactOptional(),
  partitionTable: partitionTable.exactOptional(),
  filesystem: text.exactOptional(),
}) satisfies z.ZodType<ImageEvidence>;

/** @returns JSON; null where there is none, or it is none that this release can show */
export function evidenceRow(given: ImageEvidence | undefined): string | null {
  const { data } = evidence.safeParse(given);
  return data === undefined ? null : JSON.stringify(data);
}
