/**
 * Metrics of Temporal's SDK (slots, latencies, failed tasks), and those that activities count by it, in Prometheus' text
 * format. The SDK's own exporter would open another port, so the updates are read from the SDK's buffer and served with the
 * other metrics of the process.
 */
import { MetricsBuffer } from '@temporalio/worker';
import type { BufferedMetricUpdate } from '@temporalio/worker';
import { label } from './metrics.ts';

export interface SdkMetrics {
  /** For the SDK's runtime. */
  readonly buffer: MetricsBuffer;
  /** All metrics since the start. */
  text(): string;
  close(): void;
}

/** Milliseconds between two reads of the buffer; a full buffer drops updates. */
const DRAIN_MS = 5000;
const BUFFER = 100_000;
/** Upper bounds of the buckets of latencies, in seconds. */
const BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3600];

type Update = Pick<BufferedMetricUpdate, 'value' | 'attributes'> & {
  readonly metric: Pick<BufferedMetricUpdate['metric'], 'name' | 'kind' | 'description'>;
};

interface Series {
  readonly labels: string;
  value: number;
  /** Number of values of a histogram. */
  count: number;
  readonly buckets: number[];
}

interface Family {
  readonly kind: string;
  readonly description: string;
  readonly series: Map<string, Series>;
}

export function createSdkMetrics(): SdkMetrics {
  const buffer = new MetricsBuffer({ maxBufferSize: BUFFER, useSecondsForDurations: true });
  const totals = createTotals();
  const drain = (): void => {
    for (const update of buffer.retrieveUpdates()) totals.add(update);
  };
  const timer = setInterval(drain, DRAIN_MS).unref();
  return {
    buffer,
    text() {
      drain();
      return totals.text();
    },
    close: () => clearInterval(timer),
  };
}

export function createTotals(): { add(update: Update): void; text(): string } {
  const families = new Map<string, Family>();
  return {
    add({ metric, value, attributes }) {
      const family = families.get(metric.name) ?? {
        kind: metric.kind,
        description: metric.description ?? '',
        series: new Map<string, Series>(),
      };
      families.set(metric.name, family);
      const labels = Object.entries(attributes)
        .map(([name, text]) => `${name.replace(/\W/g, '_')}="${label(String(text))}"`)
        .toSorted()
        .join(',');
      const series = family.series.get(labels) ?? {
        labels,
        value: 0,
        count: 0,
        buckets: BUCKETS.map(() => 0),
      };
      family.series.set(labels, series);
      if (metric.kind === 'gauge') series.value = value;
      else series.value += value;
      series.count += 1;
      for (const [at, bound] of BUCKETS.entries())
        if (value <= bound) series.buckets[at] = (series.buckets[at] ?? 0) + 1;
    },
    text: () =>
      [...families]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(familyText)
        .join('\n'),
  };
}

/** Metrics of the SDK have the prefix or get it; those that activities count have that of Bypass. */
const NAMED = /^(?:temporal|bypass)_/;

function familyText([name, { kind, description, series }]: [string, Family]): string {
  const full = NAMED.test(name) ? name : `temporal_${name}`;
  const lines = [...series.values()].flatMap((one) =>
    kind === 'histogram' ? histogramLines(full, one) : [`${full}{${one.labels}} ${one.value}`],
  );
  return [
    `# HELP ${full} ${description.replaceAll('\n', ' ')}`,
    `# TYPE ${full} ${typeOf(kind)}`,
    ...lines,
  ].join('\n');
}

const typeOf = (kind: string): string => (kind === 'histogram' || kind === 'counter' ? kind : 'gauge');

function histogramLines(name: string, { labels, value, count, buckets }: Series): readonly string[] {
  const rest = labels === '' ? '' : `${labels},`;
  return [
    ...BUCKETS.map((bound, at) => `${name}_bucket{${rest}le="${bound}"} ${buckets[at]}`),
    `${name}_bucket{${rest}le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${value}`,
    `${name}_count{${labels}} ${count}`,
  ];
}
