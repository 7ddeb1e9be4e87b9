/** What an inspection allows. */
/** Each is a setting of the host worker. */
export interface InspectionLimits {
  /** Bytes that a VM may see; default 16 TiB. */
  readonly maxVirtualSize?: number;
  /** Internal snapshots of a qcow2 image; default false. */
  readonly allowSnapshots?: boolean;
  /** Persistent dirty bitmaps of a qcow2 image; default false. */
  readonly allowBitmaps?: boolean;
}

/** For one image. */
export interface ImageLimits extends InspectionLimits {
  /** Whether unknown content counts as a raw disk; default false. */
  readonly allowUnknown?: boolean;
}

/** A registered checksum names the very bytes of a raw disk, so unknown content is accepted. */
export const limitsFor = (checksum: string | undefined, limits: InspectionLimits = {}): ImageLimits => ({
  ...limits,
  allowUnknown: checksum !== undefined,
});

const TIB = 2 ** 40;

export const maxVirtualSize = ({ maxVirtualSize: limit }: InspectionLimits): number => limit ?? 16 * TIB;
