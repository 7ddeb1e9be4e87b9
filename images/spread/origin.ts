/** The version at its origin that bytes are of, as it is passed on with them. */
import { isPeerUrl } from '../../model/spread.ts';
import type { OriginVersion } from '../../model/spread.ts';
import type { Provenance } from '../fetch/sink.ts';

/** @returns nothing where no origin has the bytes, since a host unpacked them */
export function originOf({ url, finalUrl, etag, total }: Provenance): { readonly origin?: OriginVersion } {
  if (isPeerUrl(url)) return {};
  return { origin: { url, finalUrl, total, ...(etag === undefined ? {} : { etag }) } };
}
