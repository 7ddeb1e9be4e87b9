/** Describes the findings of an image inspection in one line. */
import type { Inspection } from '../model/api-answers.ts';
import { count, formatBytes } from './format.ts';

/** Such as `qcow2: version 3, 20.0 GiB, clusters of 64.0 KiB, 1200 with data, lazy refcounts`. */
export function describeInspection(inspection: Inspection | undefined): string | undefined {
  if (inspection === undefined) return undefined;
  const { found, qcow2, iso, partitiontable, filesystem, looked } = inspection;
  const parts = [
    ...(qcow2 === undefined ? [] : describeQcow2(qcow2)),
    ...(iso === undefined
      ? []
      : [`"${iso.label}"`, ...iso.filesystems, ...(iso.bootable ? ['bootable'] : [])]),
    ...(partitiontable === undefined ? [] : [count(partitiontable.partitions.length, 'partition')]),
    ...(filesystem === undefined ? [] : [filesystem]),
    ...(looked === 'head' ? ['from its first bytes'] : []),
  ];
  const formats = found.join(' + ') || 'nothing known';
  return parts.length === 0 ? formats : `${formats}: ${parts.join(', ')}`;
}

function describeQcow2({
  version,
  virtualsize,
  clustersize,
  features,
  snapshots,
  tables,
}: NonNullable<Inspection['qcow2']>) {
  const mapped = tables === undefined ? 0 : tables.dataclusters + tables.compressedclusters;
  return [
    `version ${version}`,
    formatBytes(virtualsize),
    `clusters of ${formatBytes(clustersize)}`,
    ...(tables === undefined ? [] : [`${mapped} with data`]),
    ...(snapshots === 0 ? [] : [count(snapshots, 'snapshot')]),
    ...features,
  ];
}
