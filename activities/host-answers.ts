/** Every answer of a host, good or bad, is signed with the host's key (model/answer.ts). */
import { activityInfo, Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, ensureApplicationFailure } from '@temporalio/common';
import { answerText } from '../model/answer.ts';
import type { FailureBody, Outcome, Proof } from '../model/answer.ts';
import type { Failure } from '../model/failures.ts';
import { applicationFailure, isStopping } from './context.ts';

export interface Signer {
  readonly hostId: string;
  /** Ed25519 signature of a text, base64url. */
  readonly sign: (text: string) => string;
}

type Activities = Readonly<Record<string, (job: never) => Promise<object>>>;

/** The same activities, whose answers carry the proof that this host gave them. */
export function signed<A extends object>(signer: Signer, activities: A): A {
  const wrapped = Object.entries(activities as Activities).map(([name, run]) => {
    const activity = async (job: never): Promise<unknown> => {
      try {
        const body = await run(job);
        return { ...body, proof: prove(signer, 'result', body) };
      } catch (error) {
        throw signedFailure(signer, error);
      }
    };
    return [name, activity];
  });
  return Object.fromEntries(wrapped) as A;
}

const STOPPED: Failure = { kind: 'HostGone', message: 'the host worker was stopped during the job' };

function signedFailure(signer: Signer, thrown: unknown): unknown {
  if (thrown instanceof CancelledFailure && !isStopping()) {
    // Paused, reset, out of time: the SDK tells that to the server, in its own words.
    if (Context.current().cancellationDetails?.cancelRequested !== true) return thrown;
    const proof = prove(signer, 'cancelled', bodyOf(thrown, ''));
    return new CancelledFailure(thrown.message, [thrown.details?.[0], proof]);
  }
  // Of a worker that stops, the SDK would tell the workflow in words that nobody signs.
  const error =
    thrown instanceof CancelledFailure ? applicationFailure(STOPPED) : ensureApplicationFailure(thrown);
  const { type, message, nonRetryable, details, cause } = error;
  const proof = prove(signer, 'failure', bodyOf(error, type ?? ''));
  return ApplicationFailure.create({
    message,
    details: [details?.[0], proof],
    nonRetryable: nonRetryable ?? false,
    ...(type == null ? {} : { type }),
    ...(cause === undefined ? {} : { cause }),
  });
}

const bodyOf = (
  { message, details }: { readonly message: string; readonly details?: unknown[] | null | undefined },
  type: string,
): FailureBody => ({ type, message, detail: details?.[0] ?? null });

function prove({ hostId, sign }: Signer, outcome: Outcome, body: object): Proof {
  const { workflowExecution, activityId, activityType, attempt } = activityInfo();
  const { workflowId, runId } = workflowExecution ?? { workflowId: '', runId: '' };
  const call = { activityId, activityType, attempt };
  return {
    v: 1,
    ...call,
    signature: sign(answerText({ hostId, workflowId, runId, outcome, ...call }, body)),
  };
}
