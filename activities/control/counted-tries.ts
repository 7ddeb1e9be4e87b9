/** Counts fetched bytes and failures by where they came from, for Prometheus. */
import { isPeerUrl } from '../../model/spread.ts';
import type { CountedTry } from '../../db/spread/records.ts';
import { count } from '../metrics.ts';

/** @param tries that were recorded for the first time: an activity that runs twice counts nothing twice */
export function countTries(tries: readonly CountedTry[]): void {
  for (const { source: url, bytes, failure_kind: cause } of tries) {
    const source = isPeerUrl(url) ? 'peer' : 'origin';
    if (bytes > 0) count('bypass_fetched_bytes_total', bytes, { source });
    if (cause !== null) count('bypass_download_failures_total', 1, { source, cause });
  }
}
