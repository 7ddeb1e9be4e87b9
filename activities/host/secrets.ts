/** The URL that a host fetches: a job shows it without its query, which is in the sealed part. */
import { ImageError } from '../../model/failures.ts';
import type { Secrets } from '../../model/source.ts';
import { displayUrl, isShownUrl } from '../../model/url.ts';

/**
 * The URL of a job with its query.
 * @param shown the URL as the job shows it
 * @throws ImageError SealBroken when the sealed part lacks the query
 */
export function wholeUrl(shown: string, secrets: Secrets | undefined): string {
  const whole = sealedUrl(shown, secrets);
  if (!isShownUrl(new URL(whole))) return whole;
  throw new ImageError('SealBroken', 'the query of the URL is not in what was sealed for this host', {
    url: shown,
  });
}

/** The same for a mirror, whose URL may come from a metalink: a query that the sealed part lacks is no error. */
export const sealedUrl = (shown: string, secrets: Secrets | undefined): string =>
  secrets?.url !== undefined && displayUrl(secrets.url) === displayUrl(shown) ? secrets.url : shown;
