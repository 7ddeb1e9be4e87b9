/** Metrics about the door for Prometheus, from the host worker. */
import type { DoorCounts } from './counts.ts';

/** @param counts undefined while the door was not open */
export function doorMetrics(counts: DoorCounts | undefined): string {
  const { bytes = 0, served = 0, uploads = 0, refused = {} } = counts ?? {};
  return [
    ...metric('bypass_peer_sent_bytes_total', 'counter', 'Bytes of images sent to other hosts.', bytes),
    ...metric('bypass_peer_uploads_total', 'counter', 'Uploads to other hosts that began.', served),
    ...metric('bypass_peer_uploads', 'gauge', 'Uploads to other hosts that run.', uploads),
    ...about('bypass_peer_refused_total', 'counter', 'Connections and requests that were refused.'),
    ...Object.entries(refused).map(
      ([reason, count]) => `bypass_peer_refused_total{reason="${reason}"} ${count}`,
    ),
  ].join('\n');
}

const about = (name: string, type: string, meaning: string): readonly string[] => [
  `# HELP ${name} ${meaning}`,
  `# TYPE ${name} ${type}`,
];

const metric = (name: string, type: string, meaning: string, value: number): readonly string[] => [
  ...about(name, type, meaning),
  `${name} ${value}`,
];
