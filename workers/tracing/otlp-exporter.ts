/**
 * Sends spans to an OpenTelemetry collector: OTLP over HTTP, in JSON (opentelemetry.io/docs/specs/otlp). Spans that the
 * collector does not take are lost, and the log says so once until it takes some again; nothing waits for it.
 */
import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '../runtime.ts';

const SEND_MS = 10_000;
/** `ExportResultCode` of @opentelemetry/core. */
const RESULT = { success: 0, failed: 1 } as const;

export interface OtlpOptions {
  /** URL of the collector, without the path of traces. */
  readonly endpoint: string;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

export function createOtlpExporter({ endpoint, logger }: OtlpOptions): SpanExporter {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  let works = true;
  const note = (problem: string | undefined): void => {
    if (problem !== undefined && works) logger.warn(`traces are lost: ${url} ${problem}`);
    if (problem === undefined && !works) logger.info(`traces are sent again to ${url}`);
    works = problem === undefined;
  };
  return {
    export(spans, done) {
      void send(url, spans).then((problem) => {
        note(problem);
        done({ code: problem === undefined ? RESULT.success : RESULT.failed });
      });
    },
    shutdown: () => Promise.resolve(),
  };
}

/** @returns why it was not taken */
async function send(url: string, spans: readonly ReadableSpan[]): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(requestOf(spans)),
      signal: AbortSignal.timeout(SEND_MS),
    });
    await answer.arrayBuffer();
    return answer.ok ? undefined : `answers ${answer.status}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return `cannot be reached (${cause instanceof Error ? cause.message : message})`;
  }
}

/** An `ExportTraceServiceRequest`. All spans of a process have one resource. */
function requestOf(spans: readonly ReadableSpan[]): object {
  const names = [...new Set(spans.map(({ instrumentationLibrary: { name } }) => name))];
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(spans[0]?.resource.attributes ?? {}) },
        scopeSpans: names.map((name) => ({
          scope: { name },
          spans: spans.filter(({ instrumentationLibrary: of }) => of.name === name).map(spanOf),
        })),
      },
    ],
  };
}

const spanOf = (span: ReadableSpan): object => ({
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
  name: span.name,
  // OTLP counts kinds from 1.
  kind: span.kind + 1,
  startTimeUnixNano: nanosecondsOf(span.startTime),
  endTimeUnixNano: nanosecondsOf(span.endTime),
  attributes: attributesOf(span.attributes),
  events: span.events.map(({ name, time, attributes = {} }) => ({
    name,
    timeUnixNano: nanosecondsOf(time),
    attributes: attributesOf(attributes),
  })),
  status: {
    code: span.status.code,
    ...(span.status.message === undefined ? {} : { message: span.status.message }),
  },
});

const nanosecondsOf = ([seconds, nanoseconds]: HrTime): string =>
  String(BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(nanoseconds)));

/** Values that are no text, number or truth are written as JSON. */
const attributesOf = (attributes: Attributes): readonly object[] =>
  Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );

function valueOf(value: unknown): object {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
}
