/** What all parts of one attempt share. */
import type { Try } from '../model/payloads.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import type { Intake } from './intake.ts';
import type { Mirrors } from './parallel/mirror-state.ts';
import type { Pieces } from './parallel/pieces.ts';
import type { ProgressMeter } from './progress-meter.ts';

export interface Attempt {
  readonly request: DownloadRequest;
  readonly deps: DownloadDeps;
  readonly meter: ProgressMeter;
  readonly tries: Try[];
  readonly intake: Intake;
  readonly mirrors: Mirrors;
  /** Hashes of the file's pieces, where a metalink gives them. */
  readonly pieces: Pieces | undefined;
  /** What the first try is to tell besides. */
  readonly remarks: string[];
  /** Bytes of several mirrors turned out wrong together: from now on each is tried by itself. */
  alone: boolean;
}
