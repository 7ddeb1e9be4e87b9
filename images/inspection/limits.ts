/** What an inspection allows; each is a setting of the host worker. */
export interface InspectionLimits {
  /** Bytes that a VM may see; default 16 TiB. */
  readonly maxVirtualSize?: number;
  /** Internal snapshots of a qcow2 image; default false. */
  readonly allowSnapshots?: boolean;
  /** Persistent dirty bitmaps of a qcow2 image; default false. */
  readonly allowBitmaps?: boolean;
}

const TIB = 2 ** 40;

export const maxVirtualSize = ({ maxVirtualSize: limit }: InspectionLimits): number => limit ?? 16 * TIB;
