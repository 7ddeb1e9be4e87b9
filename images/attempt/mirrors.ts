import type { Mirror } from '../../model/source.ts';
import type { DownloadRequest } from './download-request.ts';

/** The mirrors that an attempt fetches from: the registered ones, or the URL itself when there are none. */
export const mirrorsOf = ({ mirrors, url, size }: DownloadRequest): readonly Mirror[] =>
  mirrors.length > 0 ? mirrors : [{ url, priority: 1, size, ranges: false }];
