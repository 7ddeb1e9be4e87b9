/** Shared by the checks of a qcow2 file's tables. */
import { withArticle } from '../../model/grammar.ts';
import type { FileHandle } from 'node:fs/promises';
import type { ClusterWindow } from './cluster-window.ts';
import { checkPlace, refuse } from './qcow2.ts';
import type { Qcow2Header, Region } from './qcow2.ts';

export interface Walk {
  readonly file: FileHandle;
  readonly header: Qcow2Header;
  readonly fileSize: number;
  readonly window: ClusterWindow;
}

/**
 * Claims all clusters of a table that is contiguous.
 * @throws ImageError HostileImage when the table is not within the file, or overlaps another table
 */
export function claimRegion({ window, header, fileSize }: Walk, what: string, region: Region): void {
  const { clusterSize } = header;
  checkPlace(what, region, clusterSize, fileSize);
  const last = Math.ceil((region.offset + region.length) / clusterSize);
  for (let cluster = region.offset / clusterSize; cluster < last; cluster += 1) {
    if (!window.claim(cluster)) throw refuse(`has ${withArticle(what)} where another table lies`);
  }
}
