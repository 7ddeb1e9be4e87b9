/** What an attempt tells of each mirror that it tries. */
import { ImageError } from '../model/failures.ts';
import type { Try } from '../model/payloads.ts';
import { displayUrl } from '../model/url.ts';
import { evidenceOf } from './inspection/refusal.ts';

export interface OpenTry {
  readonly url: string;
  addBytes(count: number): void;
  /** Sentences that are told once. */
  note(sentence: string): void;
  /** With what it ends, although it still brings bytes. */
  fail(failure: ImageError): void;
  end(failure?: ImageError): void;
}

/** The mirrors that one fetch uses; the first is the one that leads it. */
export class Tries {
  readonly #onEnd: (ended: Try) => void;
  readonly #open: OpenTry[] = [];
  readonly #told = new Set<ImageError>();

  constructor(onEnd: (ended: Try) => void) {
    this.#onEnd = onEnd;
  }

  /** The open try of a mirror, begun when there is none. */
  of(url: string): OpenTry {
    const known = this.#open.find((one) => one.url === url);
    return known ?? this.#begin(url);
  }

  /** Ends all that are open; the failure is that of `url`, or of the first. What went well without a try was none. */
  end(url: string, failure?: ImageError): void {
    const untold = failure !== undefined && !this.#told.has(failure);
    if (untold && this.#open.length === 0) this.of(url);
    const failed = this.#open.find((one) => one.url === url) ?? this.#open[0];
    for (const one of this.#open.slice()) one.end(untold && one === failed ? failure : undefined);
  }

  #begin(url: string): OpenTry {
    const startedAt = new Date().toISOString();
    const notes = new Set<string>();
    let bytes = 0;
    let failed: ImageError | undefined;
    const opened: OpenTry = {
      url,
      addBytes: (count) => void (bytes += count),
      note: (sentence) => void notes.add(sentence),
      fail: (failure) => void (failed ??= failure),
      end: (failure = failed) => {
        const at = this.#open.indexOf(opened);
        if (at < 0) return;
        this.#open.splice(at, 1);
        const evidence = evidenceOf(failure);
        if (failure !== undefined) this.#told.add(failure);
        this.#onEnd({
          source: displayUrl(url),
          startedAt,
          endedAt: new Date().toISOString(),
          bytes,
          ...(failure === undefined ? {} : { failure: failure.toFailure() }),
          ...(evidence === undefined ? {} : { evidence }),
          ...(notes.size === 0 ? {} : { note: [...notes].join('; ') }),
        });
      },
    };
    this.#open.push(opened);
    return opened;
  }
}

/** Says of a failure which mirror it is about, unless it is about this host. */
export function withUrl(error: ImageError, url: string): ImageError {
  if (error.url !== undefined || error.class === 'host' || error.class === 'space') return error;
  const { kind, message, rule, retryAfterMs } = error;
  return new ImageError(kind, message, {
    url: displayUrl(url),
    cause: error,
    ...(rule === undefined ? {} : { rule }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
