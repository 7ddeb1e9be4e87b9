/**
 * What a process counts since its start: metrics of Temporal's SDK (slots, latencies, failed tasks), those that activities
 * count by the SDK, and those that the process adds itself. The SDK's own exporter would open another port, so the updates are
 * read from the SDK's buffer and served with the other metrics of the process.
 */
import { MetricsBuffer } from '@temporalio/worker';
import type { BufferedMetricUpdate } from '@temporalio/worker';
import { METRICS, metricOf } from '../model/metrics.ts';
import type { MetricName } from '../model/metrics.ts';
import type { Settings } from './settings.ts';
import { labelText, sampleLine } from './metric-text.ts';
import type { Family } from './metric-text.ts';

export interface ProcessMetrics {
  /** For the SDK's runtime. */
  readonly buffer: MetricsBuffer;
  /** Adds to a counter or a histogram of Bypass. */
  count(name: MetricName, value: number, labels?: Readonly<Record<string, string>>): void;
  families(): readonly Family[];
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

interface Total {
  readonly kind: string;
  readonly description: string;
  readonly series: Map<string, Series>;
}

/** Undefined where nobody can read them: the process has no port for it. */
export const processMetricsIfAsked = (settings: Settings): ProcessMetrics | undefined =>
  settings.text('healthPort') === '' ? undefined : createProcessMetrics();

function createProcessMetrics(): ProcessMetrics {
  const buffer = new MetricsBuffer({ maxBufferSize: BUFFER, useSecondsForDurations: true });
  const totals = createTotals();
  const drain = (): void => {
    for (const update of buffer.retrieveUpdates()) totals.add(update);
  };
  const timer = setInterval(drain, DRAIN_MS).unref();
  return {
    buffer,
    count(name, value, labels = {}) {
      const { type, help } = METRICS[name];
      totals.add({ metric: { name, kind: type, description: help }, value, attributes: labels });
    },
    families() {
      drain();
      return totals.families();
    },
    close: () => clearInterval(timer),
  };
}

export function createTotals(): { add(update: Update): void; families(): readonly Family[] } {
  const totals = new Map<string, Total>();
  return {
    add({ metric, value, attributes }) {
      const total = totals.get(metric.name) ?? {
        kind: metric.kind,
        description: metric.description ?? '',
        series: new Map<string, Series>(),
      };
      totals.set(metric.name, total);
      const labels = labelText(ownLabels(metric.name, attributes));
      const series = total.series.get(labels) ?? {
        labels,
        value: 0,
        count: 0,
        buckets: metric.kind === 'histogram' ? BUCKETS.map(() => 0) : [],
      };
      total.series.set(labels, series);
      if (metric.kind === 'gauge') series.value = value;
      else series.value += value;
      if (metric.kind !== 'histogram') return;
      series.count += 1;
      for (const [at, bound] of BUCKETS.entries())
        if (value <= bound) series.buckets[at] = (series.buckets[at] ?? 0) + 1;
    },
    families: () => [...totals].map(familyOfTotal),
  };
}

/** The SDK adds labels to what activities count: their type, their queue, the namespace. */
function ownLabels(name: string, attributes: Update['attributes']): Update['attributes'] {
  const declared = metricOf(name)?.labels;
  if (declared === undefined) return attributes;
  return Object.fromEntries(Object.entries(attributes).filter(([label]) => declared.includes(label)));
}

/** Metrics of the SDK have the prefix or get it; those that activities count have that of Bypass. */
const NAMED = /^(?:temporal|bypass)_/;

function familyOfTotal([name, { kind, description, series }]: [string, Total]): Family {
  const full = NAMED.test(name) ? name : `temporal_${name}`;
  const lines = [...series.values()].flatMap((one) =>
    kind === 'histogram' ? histogramLines(full, one) : [sampleLine(full, one.labels, one.value)],
  );
  return { name: full, type: typeOf(kind), help: description, lines };
}

const typeOf = (kind: string): Family['type'] =>
  kind === 'histogram' || kind === 'counter' ? kind : 'gauge';

function histogramLines(name: string, { labels, value, count, buckets }: Series): readonly string[] {
  const rest = labels === '' ? '' : `${labels},`;
  return [
    ...BUCKETS.map((bound, at) => `${name}_bucket{${rest}le="${bound}"} ${buckets[at]}`),
    `${name}_bucket{${rest}le="+Inf"} ${count}`,
    sampleLine(`${name}_sum`, labels, value),
    sampleLine(`${name}_count`, labels, count),
  ];
}
