import { metricsText } from '../../workers/metric-text.ts';
import { createTotals } from '../../workers/process-metrics.ts';

const metric = (name: string, kind: 'counter' | 'gauge' | 'histogram') => ({
  name,
  kind,
  description: 'd',
});

test("metrics of the SDK are written in Prometheus' text format", () => {
  const totals = createTotals();
  const queue = { task_queue: 'a"b' };
  for (const value of [1, 2]) {
    totals.add({ metric: metric('temporal_request', 'counter'), value, attributes: queue });
    totals.add({ metric: metric('temporal_slots', 'gauge'), value, attributes: {} });
    totals.add({ metric: metric('temporal_latency', 'histogram'), value: value * 3, attributes: queue });
  }
  totals.add({ metric: metric('workers', 'gauge'), value: 3, attributes: {} });
  totals.add({
    metric: metric('bypass_fetched_bytes_total', 'counter'),
    value: 5,
    // The SDK adds where an activity ran.
    attributes: { source: 'peer', activityType: 'finishCopy', namespace: 'default' },
  });
  const lines = metricsText('host', totals.families()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE temporal_request counter',
      'temporal_request{task_queue="a\\"b"} 3',
      '# TYPE temporal_slots gauge',
      'temporal_slots 2',
      'temporal_latency_bucket{task_queue="a\\"b",le="1"} 0',
      'temporal_latency_bucket{task_queue="a\\"b",le="5"} 1',
      'temporal_latency_bucket{task_queue="a\\"b",le="+Inf"} 2',
      'temporal_latency_sum{task_queue="a\\"b"} 9',
      'temporal_latency_count{task_queue="a\\"b"} 2',
      'temporal_workers 3',
      // Counted by nobody yet.
      '# TYPE bypass_probe_verdicts_total counter',
      'bypass_fetched_bytes_total{source="peer"} 5',
    ]),
  );
});
