/** What activities count for Prometheus: `/metrics` of their process. */
import { metricMeter } from '@temporalio/activity';
import { METRICS } from '../model/metrics.ts';
import type { MetricName } from '../model/metrics.ts';

type Labels = Record<string, string>;

export const count = (name: MetricName, value: number, labels: Labels): void =>
  metricMeter.createCounter(name, undefined, METRICS[name].help).add(value, labels);

export const setGauge = (name: MetricName, value: number, labels: Labels): void =>
  metricMeter.createGauge(name, 'int', undefined, METRICS[name].help).set(value, labels);
