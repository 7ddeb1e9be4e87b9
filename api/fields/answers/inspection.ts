/** The findings of an image inspection, as the API shows them. */
import type { ImageEvidence } from '../../../model/evidence.ts';
import { type AnswerField, type FieldDoc, type FieldDocs, optional } from '../response.ts';

const VERDICTS = ['accepted', 'refused'] as const;
export type Verdict = (typeof VERDICTS)[number];

const of =
  (type: FieldDoc['type']) =>
  (description: string): FieldDoc => ({ type, description });
const [text, texts, number, yesOrNo] = [of('string'), of('list'), of('long'), of('boolean')];
const words = (description: string, ...all: readonly string[]): FieldDoc => ({
  ...text(description),
  words: all,
});
const part = (type: 'map' | 'list', description: string, fields: FieldDocs): FieldDoc => ({
  ...of(type)(description),
  fields,
});
const perhaps = (doc: FieldDoc): FieldDoc => ({ ...doc, optional: true });

const PARTITION: FieldDocs = {
  number: number('its number'),
  type: text('of a GPT a UUID, of an MBR two hexadecimal digits'),
  start: number('bytes from the beginning of the disk'),
  size: number('bytes'),
  name: perhaps(text('its name')),
};

const QCOW2: FieldDocs = {
  version: number('the version of the format'),
  clustersize: number('bytes of a cluster; 0 where the header makes no sense'),
  virtualsize: number('bytes that a VM sees'),
  l1entries: number('entries of the first table'),
  refcounttable: number('bytes of the table of reference counts'),
  refcountbits: number('bits of a reference count'),
  snapshots: number('how many snapshots it has'),
  features: texts('features that it uses, such as lazy refcounts'),
  compression: text('how clusters are compressed'),
  tables: perhaps(
    part('map', 'what its tables hold; absent where only the head was looked at', {
      l2tables: number('tables of the second level'),
      dataclusters: number('clusters of data'),
      compressedclusters: number('clusters that are compressed'),
      zeroclusters: number('clusters of zeros'),
    }),
  ),
};

export const INSPECTION: FieldDocs = {
  verdict: words('whether the image was accepted', ...VERDICTS),
  looked: words('the first bytes only, or the whole file', 'head', 'file'),
  filesize: number('bytes of the file; 0 while it is not known'),
  found: texts('every format that the bytes match'),
  qcow2: perhaps(part('map', 'the header of a qcow2 image', QCOW2)),
  iso: perhaps(
    part('map', 'the descriptors of an ISO', {
      label: text('its label'),
      volumesize: number('bytes that it promises; 0 where it does not tell'),
      filesystems: texts('its file systems'),
      bootable: yesOrNo('whether a VM can boot from it'),
    }),
  ),
  partitiontable: perhaps(
    part('map', 'the partition table', {
      kind: words('its kind', 'gpt', 'mbr'),
      sectorsize: number('bytes of a sector'),
      partitions: part('list', 'the first partitions', PARTITION),
    }),
  ),
  filesystem: perhaps(text('a file system that begins at byte 0')),
};

/** A field with the findings of an inspection; absent when there was no inspection. */
export const inspection = <T>(
  description: string,
  evidenceOf: (row: T) => ImageEvidence | null | undefined,
  verdictOf: (row: T) => Verdict,
): AnswerField<T> =>
  optional.map(
    description,
    (row: T) => {
      const evidence = evidenceOf(row);
      return evidence == null ? undefined : { verdict: verdictOf(row), ...namedInLowerCase(evidence) };
    },
    INSPECTION,
  );

/** Lower-cases all names, as CloudStack writes them. */
const namedInLowerCase = (given: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), shown(value)]));

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  return typeof value === 'object' && value !== null ? namedInLowerCase(value) : value;
}
