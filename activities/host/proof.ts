/** Signs every answer of a host, a result, a failure or a cancellation, with the host's key (model/answer.ts). */
import { activityInfo, Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, ensureApplicationFailure } from '@temporalio/common';
import { answerText } from '../../model/answer.ts';
import type { AnswerKind, FailureBody, Proof } from '../../model/answer.ts';
import type { Failure } from '../../model/failures.ts';
import { applicationFailure, isWorkerStopping } from '../context.ts';

export interface Signer {
  readonly hostId: string;
  /** Ed25519 signature of a text, base64url. */
  readonly sign: (text: string) => string;
}

type SignedActivities = Readonly<Record<string, (job: never) => Promise<object>>>;

/** The same activities, whose answers carry the proof that this host gave them. */
export function withProof<A extends object>(signer: Signer, activities: A): A {
  const wrapped = Object.entries(activities as SignedActivities).map(([name, run]) => {
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

const WORKER_STOPPED: Failure = { kind: 'HostGone', message: 'the host worker was stopped during the job' };

function signedFailure(signer: Signer, thrown: unknown): unknown {
  if (thrown instanceof CancelledFailure && !isWorkerStopping()) {
    // Paused, reset or out of time: the SDK reports that to the server by itself.
    if (Context.current().cancellationDetails?.cancelRequested !== true) return thrown;
    // The server passes on the details of a cancellation, but not its message, which is therefore signed as empty.
    const proof = prove(signer, 'cancelled', bodyOf({ message: '', details: thrown.details }, ''));
    return new CancelledFailure(thrown.message, [thrown.details?.[0], proof]);
  }
  // When the worker stops, the SDK would fail the activity with a message of its own, without a signature.
  const error =
    thrown instanceof CancelledFailure
      ? applicationFailure(WORKER_STOPPED)
      : ensureApplicationFailure(thrown);
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

function prove({ hostId, sign }: Signer, outcome: AnswerKind, body: object): Proof {
  const { workflowExecution, activityId, activityType, attempt } = activityInfo();
  const { workflowId, runId } = workflowExecution ?? { workflowId: '', runId: '' };
  const call = { activityId, activityType, attempt };
  return {
    v: 1,
    ...call,
    signature: sign(answerText({ hostId, workflowId, runId, outcome, ...call }, body)),
  };
}
