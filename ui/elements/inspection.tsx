/** The findings of an image inspection. Those of a refused image may be false. */
import type { ReactNode } from 'react';
import type { Inspection } from '../../model/api-answers.ts';
import { Facts } from './facts.tsx';
import { bytes } from './quantities.ts';

export function InspectionFacts({ of }: { readonly of: Inspection }): ReactNode {
  const { found, looked, qcow2, iso, partitiontable, filesystem } = of;
  return (
    <Facts
      of={{
        Found: found.join(' and '),
        Inspected: looked === 'file' ? 'the whole file' : 'the first bytes',
        'Version of qcow2': qcow2?.version,
        'Disk of a VM': qcow2 === undefined ? undefined : bytes(qcow2.virtualsize),
        Clusters: clustersOf(of),
        Features: qcow2?.features?.join(', '),
        Snapshots: qcow2?.snapshots === 0 ? 'none' : qcow2?.snapshots,
        'Volume label': iso?.label,
        'File systems': iso?.filesystems?.join(', ') ?? filesystem,
        Bootable: iso?.bootable === undefined ? undefined : iso.bootable ? 'yes' : 'no',
        'Partition table': partitiontable?.kind?.toUpperCase(),
        Partitions: partitiontable?.partitions?.map(({ number, size, name = '', type }) => (
          <div key={number}>
            {number}: {bytes(size)} {name === '' ? type : name}
          </div>
        )),
      }}
    />
  );
}

function clustersOf({ qcow2 }: Inspection): string | undefined {
  if (qcow2 === undefined) return undefined;
  const { clustersize, tables } = qcow2;
  return [
    `of ${bytes(clustersize)}`,
    ...(tables === undefined ? [] : [`${tables.dataclusters} with data`]),
    ...(tables === undefined || tables.compressedclusters === 0
      ? []
      : [`${tables.compressedclusters} packed`]),
  ].join(', ');
}
