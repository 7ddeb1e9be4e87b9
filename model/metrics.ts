/** The metrics of Bypass by the process that exports them: the one list, which the processes, the documentation and tests read. */

export type MetricProcess = 'api' | 'control' | 'host';

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly of: readonly MetricProcess[];
  /** Names of its labels. Their values are bounded: words of this program, zones, and what an operator names. */
  readonly labels: readonly string[];
  readonly help: string;
}

const counter = (of: MetricProcess, labels: readonly string[], help: string): Metric => ({
  type: 'counter',
  of: [of],
  labels,
  help,
});
const gauge = (of: MetricProcess, labels: readonly string[], help: string): Metric => ({
  ...counter(of, labels, help),
  type: 'gauge',
});

export const METRICS = {
  bypass_build_info: {
    type: 'gauge',
    of: ['api', 'control', 'host'],
    labels: ['version'],
    help: 'The version of Bypass that the process runs; always 1.',
  },

  bypass_api_calls_total: counter(
    'api',
    ['command', 'code'],
    'Answered calls by command and HTTP status. Commands that there are not are counted as unknown.',
  ),
  bypass_api_call_duration_seconds: {
    type: 'histogram',
    of: ['api'],
    labels: [],
    help: 'Time from a call to its answer, with the wait for its turn.',
  },

  bypass_hosts: gauge(
    'control',
    ['zone', 'state', 'resource_state'],
    'Hosts, by Up or Down and by resource state.',
  ),
  bypass_deployments: gauge(
    'control',
    ['zone', 'state'],
    'Copies that are being made (Creating), being removed (Destroying), or failed.',
  ),
  bypass_downloads: gauge(
    'control',
    ['zone', 'phase'],
    'Copies that are being made: fetching_origin, fetching_peer, waiting_source (for a source to be free), or waiting (for a host, for space, or after a failure).',
  ),
  bypass_deployments_failed: gauge(
    'control',
    ['zone', 'cause'],
    'Copies in state Failed, by the kind of their last failure.',
  ),
  bypass_deployments_pending: gauge(
    'control',
    ['zone', 'phase'],
    'Copies that unfinished jobs wait for, by phase.',
  ),
  bypass_deployments_pending_oldest_seconds: gauge(
    'control',
    ['zone', 'phase'],
    'Age of the oldest unfinished job that waits for a copy, by the phase of that copy.',
  ),
  bypass_waits: gauge(
    'control',
    ['workflow', 'reason'],
    'Workflows that wait, by type and reason. At most the 1000 youngest are counted.',
  ),
  bypass_waits_oldest_seconds: gauge(
    'control',
    ['workflow', 'reason'],
    'Time since the oldest run among them began.',
  ),
  bypass_pools: gauge('control', ['zone', 'scope', 'state'], 'Storage pools.'),
  bypass_pools_almost_full: gauge(
    'control',
    ['zone', 'scope'],
    'Storage pools of which less than a tenth is left, with reserved space taken for used.',
  ),
  bypass_pool_capacity_bytes: gauge('control', ['zone', 'scope'], 'Size of all pools together.'),
  bypass_pool_free_bytes: gauge(
    'control',
    ['zone', 'scope'],
    'Free bytes of all pools together, as hosts reported them last.',
  ),
  bypass_pool_reserved_bytes: gauge(
    'control',
    ['zone', 'scope'],
    'Bytes that are promised to downloads under way.',
  ),
  bypass_certificate_days_left: gauge(
    'control',
    ['alias', 'zone'],
    'Days until the first certificate of an upload ends; negative once it has.',
  ),
  bypass_door_certificate_days_left: gauge(
    'control',
    ['zone'],
    'Days until the first certificate of a door ends, of hosts that are Up. They last 7 days and are renewed after half of that.',
  ),
  bypass_fetched_bytes_total: counter(
    'control',
    ['source'],
    'Bytes of images that hosts fetched in attempts that have ended, from origins and from other hosts.',
  ),
  bypass_download_failures_total: counter(
    'control',
    ['source', 'cause'],
    'Tries that failed, by where they fetched (origin or peer) and the kind of failure.',
  ),

  bypass_host_downloads: gauge('host', ['phase'], 'Downloads on this host, by phase.'),
  bypass_probe_verdicts_total: counter(
    'host',
    ['verdict'],
    'URLs that this host probed: reachable (with an image), unreachable, or denied by the URL policy.',
  ),
  bypass_peer_sent_bytes_total: counter('host', [], 'Bytes of images sent to other hosts.'),
  bypass_peer_uploads_total: counter('host', [], 'Uploads to other hosts that began.'),
  bypass_peer_uploads: gauge('host', [], 'Uploads to other hosts that run.'),
  bypass_peer_refused_total: counter(
    'host',
    ['reason'],
    'Connections and requests of other machines that were refused.',
  ),
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

export const metricOf = (name: string): Metric | undefined =>
  (METRICS as Readonly<Record<string, Metric>>)[name];
