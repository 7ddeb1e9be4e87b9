import { ImageError } from '../../model/failures.ts';
import type { Try } from '../../model/payloads.ts';

/** The failure of an attempt, with all its tries. */
export class DownloadFailed extends ImageError {
  readonly tries: readonly Try[];

  constructor(failure: ImageError, tries: readonly Try[]) {
    super(failure.kind, failure.message, {
      ...(failure.rule === undefined ? {} : { rule: failure.rule }),
      ...(failure.path === undefined ? {} : { path: failure.path }),
      cause: failure,
      ...(failure.url === undefined ? {} : { url: failure.url }),
      ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    });
    this.tries = tries;
  }
}
