/** What each process does around its work: log, metrics and traces from its start to its end, and the orderly stop. */
import { processMetricsIfAsked } from './process-metrics.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import { createLogger, installRuntime, stopRequested } from './runtime.ts';
import type { Logger } from './runtime.ts';
import type { Settings } from './settings.ts';
import { tracingIfAsked } from './tracing/traced.ts';
import type { Tracing } from './tracing/traced.ts';

export interface Started {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Settles when the process must stop. */
  readonly stop: Promise<unknown>;
  readonly metrics: ProcessMetrics | undefined;
  readonly tracing: Tracing | undefined;
}

/** Runs until a signal stops the process, or the work fails. */
export async function runProcess(
  name: 'api' | 'control' | 'host',
  settings: Settings,
  work: (started: Started) => Promise<void>,
): Promise<void> {
  const stop = stopRequested();
  const logger = createLogger(settings.text('logLevel'), name);
  const metrics = processMetricsIfAsked(settings);
  const tracing = await tracingIfAsked(settings, name, logger);
  installRuntime(logger, metrics?.buffer);
  try {
    await work({ settings, logger, stop, metrics, tracing });
  } finally {
    await tracing?.close();
    metrics?.close();
  }
}
