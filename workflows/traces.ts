/**
 * Hands the trace of a caller on: from the headers of the start, or of the latest signal, to all that the run begins. Nothing
 * else is done here. Temporal's interceptors for workflows would make spans in the run, whose ids are taken from the run's own
 * random numbers: all ids that follow would be others than in the history of a run that began without them.
 */
import type { Headers, WorkflowInterceptors } from '@temporalio/workflow';

/** The header of @temporalio/interceptors-opentelemetry. */
const TRACE = '_tracer-data';

export function interceptors(): WorkflowInterceptors {
  let carried: Headers = {};
  const take = (headers: Headers): void => {
    const trace = headers[TRACE];
    if (trace !== undefined) carried = { [TRACE]: trace };
  };
  const onward = <T extends { readonly headers: Headers }>(input: T): T => ({
    ...input,
    headers: { ...carried, ...input.headers },
  });
  return {
    inbound: [
      {
        execute(input, next) {
          take(input.headers);
          return next(input);
        },
        handleSignal(input, next) {
          take(input.headers);
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(onward(input)),
        scheduleLocalActivity: (input, next) => next(onward(input)),
        startChildWorkflowExecution: (input, next) => next(onward(input)),
        signalWorkflow: (input, next) => next(onward(input)),
        continueAsNew: (input, next) => next(onward(input)),
      },
    ],
  };
}
