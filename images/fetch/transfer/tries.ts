/** Records of the mirrors that a fetch tries: when, how many bytes, and how it ended. */
import { ImageError } from '../../../model/failures.ts';
import type { Try } from '../../../model/payloads.ts';
import { displayUrl } from '../../../model/url.ts';
import { evidenceOf } from '../../image-refused.ts';

export interface OpenTry {
  readonly url: string;
  addBytes(count: number): void;
  /** Adds a sentence, if the try does not have it yet. */
  note(sentence: string): void;
  /** Notes that the file may be another one than that registered; it becomes an event as well. */
  changed(sentence: string): void;
  /** Marks the try as failed while it is still transferring. The first failure counts. */
  fail(failure: ImageError): void;
  end(failure?: ImageError): void;
}

/** The tries of one transfer: each mirror that it uses has one. */
export class Tries {
  readonly #onEnd: (ended: Try) => void;
  readonly #open: OpenTry[] = [];
  readonly #reported = new Set<ImageError>();

  constructor(onEnd: (ended: Try) => void) {
    this.#onEnd = onEnd;
  }

  /** The open try of a mirror; begins one if there is none. */
  of(url: string): OpenTry {
    const known = this.#open.find((one) => one.url === url);
    return known ?? this.#begin(url);
  }

  /**
   * Ends all open tries. The failure goes to the try of `url`, or to the first. A transfer that needed no request and did
   * not fail has no try.
   */
  end(url: string, failure?: ImageError): void {
    const unreported = failure !== undefined && !this.#reported.has(failure);
    if (unreported && this.#open.length === 0) this.of(url);
    const failed = this.#open.find((one) => one.url === url) ?? this.#open[0];
    for (const one of this.#open.slice()) one.end(unreported && one === failed ? failure : undefined);
  }

  #begin(url: string): OpenTry {
    const startedAt = new Date().toISOString();
    const notes = new Set<string>();
    let bytes = 0;
    let failed: ImageError | undefined;
    let changed: string | undefined;
    const opened: OpenTry = {
      url,
      addBytes: (count) => void (bytes += count),
      note: (sentence) => void notes.add(sentence),
      changed: (sentence) => void notes.add((changed = sentence)),
      fail: (failure) => void (failed ??= failure),
      end: (failure = failed) => {
        const at = this.#open.indexOf(opened);
        if (at < 0) return;
        this.#open.splice(at, 1);
        const evidence = evidenceOf(failure);
        if (failure !== undefined) this.#reported.add(failure);
        this.#onEnd({
          source: displayUrl(url),
          startedAt,
          endedAt: new Date().toISOString(),
          bytes,
          ...(failure === undefined ? {} : { failure: failure.toFailure() }),
          ...(evidence === undefined ? {} : { evidence }),
          ...(notes.size === 0 ? {} : { note: [...notes].join('; ') }),
          ...(changed === undefined ? {} : { changed }),
        });
      },
    };
    this.#open.push(opened);
    return opened;
  }
}

/** Adds the URL of the mirror to a failure, unless the failure is one of this host. */
export function withUrl(error: ImageError, url: string): ImageError {
  if (error.url !== undefined || error.consequences.otherMirror === 'none') return error;
  const { kind, message, rule, retryAfterMs } = error;
  return new ImageError(kind, message, {
    url: displayUrl(url),
    cause: error,
    ...(rule === undefined ? {} : { rule }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
