/** Counts fetched bytes by where they came from, for Prometheus: `/metrics` of the control worker. */
import { metricMeter } from '@temporalio/activity';
import { isPeerUrl } from '../../model/spread.ts';
import type { FetchedBytes } from '../../db/spread/records.ts';

/** @param tries that were recorded for the first time: an activity that runs twice counts nothing twice */
export function countFetchedBytes(tries: readonly FetchedBytes[]): void {
  const counter = metricMeter.createCounter(
    'bypass_fetched_bytes_total',
    'By',
    'Bytes of images that hosts fetched in attempts that have ended, from origins and from other hosts.',
  );
  for (const { source, bytes } of tries) {
    if (bytes > 0) counter.add(bytes, { source: isPeerUrl(source) ? 'peer' : 'origin' });
  }
}
