/** How a call of the API is traced, where traces are on (workers/tracing/). */
import type { LogSubjects } from '../../model/log-subjects.ts';

export interface TracedCall {
  readonly name: string;
  /** Header of the caller (W3C Trace Context). */
  readonly traceparent?: string | undefined;
}

/** Runs the work as a part of a trace. The work tells with which status it ended, and what it was about. */
export type TraceCall = <T>(
  call: TracedCall,
  work: (end: (status: number, about: LogSubjects) => void) => Promise<T>,
) => Promise<T>;
