/**
 * Traces of OpenTelemetry, where `BYPASS_OTLP_ENDPOINT` names a collector: from a call of the API through workflows and
 * activities to each try of a mirror. The interceptors of Temporal's SDK carry a trace from process to process in headers;
 * workflows only hand these on (workflows/traces.ts).
 *
 * A trace begins with a call that may change something, or where the caller's header `traceparent` asks for one. What processes
 * do by themselves (upkeep, heartbeats, reports) begins none. No trace leaves for an origin: it would tell others of the call.
 *
 * This module is loaded only where tracing is on.
 */
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Link, Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { Resource } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace-base';
import type { Sampler } from '@opentelemetry/sdk-trace-base';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import { subjectsOfWorkflow } from '../../model/log-subjects.ts';
import type { Try } from '../../model/payloads.ts';
import type { Logger } from '../runtime.ts';
import { bypassVersion } from '../version.ts';
import { createOtlpExporter } from './otlp-exporter.ts';
import type { Tracing } from './traced.ts';

const SEND_EVERY_MS = 2000;
/** Commands that change nothing, of which a page or a script asks many. */
const READS = /^(?:list|get|query)/;

/** Of spans without a parent, those of calls of the API are kept. */
const rootSampler: Sampler = {
  shouldSample: (
    _context: Context,
    _traceId: string,
    _name: string,
    kind: SpanKind,
    _attributes: Attributes,
    _links: Link[],
  ) => ({
    decision: kind === SpanKind.SERVER ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
  }),
  toString: () => 'calls of the API',
};

export function createTracing(endpoint: string, processName: string, logger: Logger): Tracing {
  const resource = new Resource({
    'service.name': `bypass-${processName}`,
    'service.version': bypassVersion(),
  });
  const processor = new BatchSpanProcessor(createOtlpExporter({ endpoint, logger }), {
    scheduledDelayMillis: SEND_EVERY_MS,
  });
  const provider = new BasicTracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: rootSampler }),
    spanProcessors: [processor],
  });
  provider.register({ contextManager: new AsyncLocalStorageContextManager().enable() });
  const tracer = trace.getTracer('bypass');
  return {
    clientInterceptors: [new OpenTelemetryWorkflowClientInterceptor({ tracer })],
    activityInterceptor: (activity) => {
      const about = subjectsOfWorkflow(activity.info.workflowExecution?.workflowId ?? '');
      const inbound = new OpenTelemetryActivityInboundInterceptor(activity, { tracer });
      return {
        inbound: {
          execute: (input, next) =>
            inbound.execute(input, (given) => {
              trace.getActiveSpan()?.setAttributes(prefixed(about));
              return next(given);
            }),
        },
      };
    },
    call: ({ name, traceparent }, work) => {
      if (traceparent === undefined && READS.test(name)) return work(() => undefined);
      const parent =
        traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
      return tracer.startActiveSpan(name, { kind: SpanKind.SERVER }, parent, async (span) => {
        try {
          return await work((status, about) => {
            span.setAttributes({ 'http.response.status_code': status, ...prefixed(about) });
            if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          });
        } finally {
          span.end();
        }
      });
    },
    tries: () => {
      const parent = context.active();
      return ({ source, startedAt, endedAt, bytes, failure }: Try) => {
        const attributes = { 'url.full': source, 'bypass.bytes': bytes };
        const startTime = new Date(startedAt);
        const span = tracer.startSpan('fetch', { kind: SpanKind.CLIENT, startTime, attributes }, parent);
        if (failure !== undefined) {
          span.setAttribute('error.type', failure.kind);
          span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
        }
        span.end(new Date(endedAt));
      };
    },
    async close() {
      await provider.shutdown();
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

const prefixed = (about: object): Attributes =>
  Object.fromEntries(Object.entries(about).map(([name, value]) => [`bypass.${name}`, value as string]));
