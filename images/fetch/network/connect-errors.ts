/** Why there is no connection to a source, as a failure with a sentence about its URL. */
import { ImageError } from '../../../model/failures.ts';
import { displayUrl } from '../../../model/url.ts';

/** The step of connecting that is under way. */
export type ConnectPhase = 'dns' | 'connect' | 'tls';

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that could not be resolved: the name server does not answer',
  EHOSTUNREACH: 'cannot be reached: no route to the host',
  ENETUNREACH: 'cannot be reached: no route to the network',
  ETIMEDOUT: 'did not accept the connection in time',
};

/** @param error of resolving the host name, or of connecting to its addresses */
export function connectError(error: Error, url: URL): ImageError {
  if (error instanceof ImageError) return withUrl(error, url);
  const code = errorCode(error);
  const sentence = UNREACHABLE[code] ?? `cannot be reached (${code === '' ? error.message : code})`;
  return new ImageError('Unreachable', sentence, { url: displayUrl(url.href), cause: error });
}

/** The same failure, with the URL that it is about. */
export function withUrl(error: ImageError, url: URL): ImageError {
  const { kind, message, rule } = error;
  const about = { url: displayUrl(url.href), cause: error };
  return new ImageError(kind, message, rule === undefined ? about : { ...about, rule });
}

/** The code of the system, of OpenSSL or of undici; that of the first of several errors; empty without one. */
export function errorCode(error: Error): string {
  const own = (error as NodeJS.ErrnoException).code;
  if (own !== undefined) return own;
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return first === undefined ? '' : errorCode(first);
}
