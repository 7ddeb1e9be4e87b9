/** What a process does for traces (tracing.ts), where they are on. */
import type { Context } from '@temporalio/activity';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptors, WorkerInterceptors } from '@temporalio/worker';
import type { TraceCall } from '../../api/server/trace-call.ts';
import type { Try } from '../../model/payloads.ts';
import type { ConnectOptions, Logger } from '../runtime.ts';
import { label, SettingError } from '../settings.ts';
import type { Settings } from '../settings.ts';

export interface Tracing {
  readonly clientInterceptors: readonly WorkflowClientInterceptor[];
  readonly activityInterceptor: (activity: Context) => ActivityInterceptors;
  /** Traces a call of the API. */
  readonly call: TraceCall;
  /** Called in an activity. @returns a function that traces a try which has ended, as a part of that activity */
  readonly tries: () => (ended: Try) => void;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** @returns undefined where tracing is off */
export async function tracingIfAsked(
  settings: Settings,
  processName: string,
  logger: Logger,
): Promise<Tracing | undefined> {
  const endpoint = settings.text('otlpEndpoint');
  if (endpoint === '') return undefined;
  requireEndpoint(endpoint);
  // What nobody asked for is not loaded.
  const { createTracing } = await import('./tracing.ts');
  return createTracing(endpoint, processName, logger);
}

/** @throws SettingError, which does not repeat the text: it may hold a secret */
function requireEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url?.username === '' && url.password === '' && url.search === '';
  if (!isPlain || !/^https?:$/.test(url.protocol))
    throw new SettingError(
      `${label('otlpEndpoint')} must be a URL of http or https without credentials and query, such as http://127.0.0.1:4318`,
    );
}

/** The part of a worker's options by which its activities are traced. */
export const tracedWorker = (tracing: Tracing | undefined): { readonly interceptors?: WorkerInterceptors } =>
  tracing === undefined ? {} : { interceptors: { activity: [tracing.activityInterceptor] } };

/** The part of a client's options by which what it starts is traced. */
export const clientTracing = (
  tracing: Pick<Tracing, 'clientInterceptors'> | undefined,
): Pick<ConnectOptions, 'interceptors'> =>
  tracing === undefined ? {} : { interceptors: tracing.clientInterceptors };
