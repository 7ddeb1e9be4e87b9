/** What proves that parts of a file belong together, and the refusal of a part. */
import { ImageError } from '../../model/failures.ts';

/** The tag when it is a strong one (RFC 9110 section 8.8.3), else undefined. */
export const strongEtag = (etag: string | undefined): string | undefined =>
  etag !== undefined && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined;

/** Why a source does not give a part of the file. It may still give all of it, to one connection. */
export class RangeRefused extends ImageError {
  /** Whether the file at the source is another one than that whose bytes are here. */
  readonly changed: boolean;

  /** Whether only the status says so, which may as well mean that one more connection is too many. */
  readonly byStatus: boolean;

  constructor(
    sentence: string,
    options: { readonly changed: boolean; readonly byStatus?: boolean; readonly url?: string },
  ) {
    const { changed, byStatus = false, url } = options;
    super(changed ? 'SourceChanged' : 'ProtocolError', sentence, url === undefined ? {} : { url });
    this.changed = changed;
    this.byStatus = byStatus;
  }
}
