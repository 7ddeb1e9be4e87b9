/** Evidence of an inspection: plain data about an image, kept with a copy and shown to people. */

export interface ImageEvidence {
  /** `head`: the first bytes only; `file`: also all tables and the end of the file. */
  readonly looked: 'head' | 'file';
  /** Bytes of the file; 0 when it was not known yet. */
  readonly fileSize: number;
  /** Every format that the bytes match, such as `iso` and `gpt`; more than one is a hybrid, or hostile. */
  readonly found: readonly string[];
  readonly qcow2?: Qcow2Evidence;
  readonly iso?: IsoEvidence;
  readonly partitionTable?: PartitionTable;
  /** One that begins at byte 0, without a partition table. */
  readonly filesystem?: string;
}

/** Values of the header. Those of a refused file may be false. */
export interface Qcow2Evidence {
  readonly version: number;
  /** Bytes; 0 when cluster_bits makes no sense. */
  readonly clusterSize: number;
  readonly virtualSize: number;
  readonly l1Entries: number;
  /** Bytes. */
  readonly refcountTable: number;
  readonly refcountBits: number;
  readonly snapshots: number;
  /** By name, such as `lazy refcounts` or `incompatible bit 9`. */
  readonly features: readonly string[];
  readonly compression: string;
  /** Counted in the tables; absent when only the head was looked at, or the walk did not come to its end. */
  readonly tables?: Qcow2Tables;
}

/** Counts over the active mapping; snapshots add to `l2Tables` only. */
export interface Qcow2Tables {
  readonly l2Tables: number;
  readonly dataClusters: number;
  readonly compressedClusters: number;
  readonly zeroClusters: number;
}

export interface IsoEvidence {
  readonly label: string;
  /** Bytes that the primary descriptor promises; 0 where there is none (UDF alone). */
  readonly volumeSize: number;
  /** `ISO 9660`, `Joliet`, `UDF`. */
  readonly filesystems: readonly string[];
  /** El Torito. */
  readonly bootable: boolean;
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr';
  /** Bytes. */
  readonly sectorSize: number;
  /** At most the first 16. */
  readonly partitions: readonly Partition[];
}

export interface Partition {
  readonly number: number;
  /** Of a GPT a UUID, of an MBR two hexadecimal digits. */
  readonly type: string;
  /** Bytes from the beginning of the disk. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  readonly name?: string;
}
