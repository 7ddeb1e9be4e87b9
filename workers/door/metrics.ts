/** Metrics about the door, from the host worker. */
import { familyOf } from '../metric-text.ts';
import type { Family } from '../metric-text.ts';
import type { DoorCounts } from './counts.ts';

/** @param counts undefined while the door was not open */
export function doorMetrics(counts: DoorCounts | undefined): readonly Family[] {
  const { bytes = 0, served = 0, uploads = 0, refused = {} } = counts ?? {};
  return [
    familyOf('bypass_peer_sent_bytes_total', [{ value: bytes }]),
    familyOf('bypass_peer_uploads_total', [{ value: served }]),
    familyOf('bypass_peer_uploads', [{ value: uploads }]),
    familyOf(
      'bypass_peer_refused_total',
      Object.entries(refused).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
  ];
}
